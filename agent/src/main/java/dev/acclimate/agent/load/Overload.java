package dev.acclimate.agent.load;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;

/**
 * More requests than a server can answer, for a while. Before and after it is asked by clients who
 * wait, which tells its capacity and whether it recovers.
 */
public final class Overload {
  private static final int PERIODS = 20;
  private static final int WARM_UP_ROUNDS = 3;
  private static final long LEAST_PERIOD_MILLIS = 1000;

  private final ServerProcess server;
  private final LoadGenerator generator;
  private final LoadGenerator.Questions questions;
  private final int clients;
  private final Duration closedTime;

  /**
   * A run.
   *
   * @param clients who wait, before and after
   * @param closedTime for how long these ask
   */
  public Overload(
      ServerProcess server,
      LoadGenerator generator,
      LoadGenerator.Questions questions,
      int clients,
      Duration closedTime) {
    this.server = server;
    this.generator = generator;
    this.questions = questions;
    this.clients = clients;
    this.closedTime = closedTime;
  }

  /**
   * A part of the overload.
   *
   * @param seconds since its start
   * @param sentRate requests a second
   * @param tally what became of those answered within it
   * @param heapBytes of the server at its end
   * @param residentBytes of the server at its end; 0 where the system does not tell
   */
  public record Period(
      double seconds, double sentRate, Tally tally, long heapBytes, long residentBytes) {}

  /**
   * All of it.
   *
   * @param before what waiting clients saw, whose rate is the capacity
   * @param periods of the overload
   * @param total over these, with the answers that came after the last request
   * @param after what waiting clients saw afterwards
   */
  public record Result(
      LoadGenerator.Waited before, List<Period> periods, Tally total, LoadGenerator.Waited after) {
    /** True where every request got an answer, and every answer was right or a fair refusal. */
    public boolean isClean() {
      long fair = Reply.EXPECTED.stream().mapToLong(total::count).sum();
      return fair == total.requests() && total.wrong() == 0 && total.refusalsWithoutRetry() == 0;
    }
  }

  /**
   * Runs.
   *
   * @param rate requests a second to send, from the capacity
   * @param heard is told of each period as it ends
   */
  public Result run(DoubleUnaryOperator rate, Duration time, Consumer<Period> heard) {
    for (int i = 0; i < WARM_UP_ROUNDS; i++) {
      closed();
    }
    LoadGenerator.Waited before = closed();
    List<Period> periods = new ArrayList<>();
    Tally total = new Tally();
    try (OpenLoop load = generator.openLoop(questions, rate.applyAsDouble(before.rate()))) {
      long begin = System.nanoTime();
      long millis = Math.max(time.toMillis() / PERIODS, LEAST_PERIOD_MILLIS);
      long count = Math.max(1, time.toMillis() / millis);
      long last = begin;
      for (int i = 0; i < count; i++) {
        sleepUntil(begin + (i + 1) * millis * 1_000_000);
        Tally tally = load.take();
        long now = System.nanoTime();
        Period period =
            new Period(
                (now - begin) / 1e9,
                tally.requests() * 1e9 / (now - last),
                tally,
                server.heapBytes(),
                server.residentBytes().orElse(0));
        last = now;
        total.add(tally);
        periods.add(period);
        heard.accept(period);
      }
      total.add(load.drain());
    }
    return new Result(before, periods, total, closed());
  }

  private LoadGenerator.Waited closed() {
    return generator.closedLoop(questions, clients, closedTime);
  }

  private static void sleepUntil(long nanos) {
    try {
      long left = (nanos - System.nanoTime()) / 1_000_000;
      if (left > 0) {
        Thread.sleep(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
