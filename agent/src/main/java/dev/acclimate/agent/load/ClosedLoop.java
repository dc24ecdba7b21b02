package dev.acclimate.agent.load;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Clients who each ask again as soon as they have an answer. Event loop only. */
final class ClosedLoop {
  private final InferenceClient client;
  private final long settled;
  private final long end;
  private final Tally tally = new Tally();
  private long counted;

  /**
   * Clients who are about to start.
   *
   * @param time until they stop asking; answers count towards the rate after the first fifth, when
   *     they no longer come in step
   */
  ClosedLoop(InferenceClient client, Duration time) {
    this.client = client;
    long begin = System.nanoTime();
    this.settled = begin + time.toNanos() / 5;
    this.end = begin + time.toNanos();
  }

  /** Lets clients ask until the time is over; done when all have their last answer. */
  Future<Void> start(int clients) {
    List<Future<Void>> ends = new ArrayList<>();
    for (int i = 0; i < clients; i++) {
      Promise<Void> done = Promise.promise();
      ask(done);
      ends.add(done.future());
    }
    return Future.all(ends).mapEmpty();
  }

  private void ask(Promise<Void> done) {
    long begin = System.nanoTime();
    if (begin >= end) {
      done.complete();
      return;
    }
    tally.sent();
    client
        .ask()
        .onComplete(
            reply -> {
              if (reply.failed()) {
                tally.unanswered();
                done.fail(reply.cause());
                return;
              }
              long now = System.nanoTime();
              tally.answered(reply.result(), now - begin);
              if (now >= settled && now < end && reply.result().status() == Reply.OK) {
                counted++;
              }
              ask(done);
            });
  }

  LoadGenerator.Waited result() {
    return new LoadGenerator.Waited(tally, counted * 1e9 / (end - settled));
  }
}
