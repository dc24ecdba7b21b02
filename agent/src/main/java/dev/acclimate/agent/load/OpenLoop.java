package dev.acclimate.agent.load;

import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;

/**
 * Requests that are sent at a rate, heedless of answers, until it is closed. What was not sent in
 * time, because this process was held up, is sent as soon as it can be.
 */
public final class OpenLoop implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Vertx vertx;
  private final InferenceClient client;
  private final double perSecond;
  private final long timer;
  private final long begin = System.nanoTime();

  // of the event loop alone
  private Tally tally = new Tally();
  private long sent;
  private long inHand;
  private boolean stopped;
  private final Promise<Void> drained = Promise.promise();

  OpenLoop(Vertx vertx, InferenceClient client, double perSecond) {
    this.vertx = vertx;
    this.client = client;
    this.perSecond = perSecond;
    this.timer = vertx.setPeriodic(1, id -> send());
  }

  private void send() {
    long due = (long) ((System.nanoTime() - begin) * 1e-9 * perSecond);
    while (sent < due && !stopped) {
      sent++;
      inHand++;
      tally.sent();
      long asked = System.nanoTime();
      client
          .ask()
          .onComplete(
              reply -> {
                if (reply.succeeded()) {
                  tally.answered(reply.result(), System.nanoTime() - asked);
                } else {
                  tally.unanswered();
                }
                inHand--;
                drainIfLast();
              });
    }
  }

  private void drainIfLast() {
    if (stopped && inHand == 0) {
      drained.tryComplete();
    }
  }

  /** What became of requests since the last call. */
  public Tally take() {
    Promise<Tally> taken = Promise.promise();
    vertx.runOnContext(
        now -> {
          taken.complete(tally);
          tally = new Tally();
        });
    return LoadGenerator.await(taken.future(), PATIENCE);
  }

  /**
   * Sends no more and waits for the answers that are still to come.
   *
   * @return what became of requests since the last {@link #take}
   */
  public Tally drain() {
    vertx.runOnContext(
        now -> {
          stopped = true;
          vertx.cancelTimer(timer);
          drainIfLast();
        });
    LoadGenerator.await(drained.future(), PATIENCE);
    return take();
  }

  @Override
  public void close() {
    LoadGenerator.await(client.close(), PATIENCE);
  }
}
