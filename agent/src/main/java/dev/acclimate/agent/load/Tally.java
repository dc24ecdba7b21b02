package dev.acclimate.agent.load;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** What became of requests. One thread writes and reads it. */
public final class Tally {
  private static final int DIGITS = 3;

  private final Histogram micros = new Histogram(DIGITS);
  private final Map<Integer, Long> statuses = new TreeMap<>();
  private long sent;
  private long wrong;
  private long unanswered;
  private long withoutRetry;

  void sent() {
    sent++;
  }

  /**
   * An answer came.
   *
   * @param nanos after the request was sent
   */
  void answered(Reply reply, long nanos) {
    statuses.merge(reply.status(), 1L, Long::sum);
    if (reply.status() == Reply.OK) {
      micros.recordValue(TimeUnit.NANOSECONDS.toMicros(nanos));
      wrong += reply.right() ? 0 : 1;
    } else if (reply.status() == Reply.BUSY && !reply.retry()) {
      withoutRetry++;
    }
  }

  /** The connection broke, or nothing came in all the time that was given. */
  void unanswered() {
    unanswered++;
  }

  /** Adds what another tally has counted. */
  void add(Tally other) {
    micros.add(other.micros);
    other.statuses.forEach((status, count) -> statuses.merge(status, count, Long::sum));
    sent += other.sent;
    wrong += other.wrong;
    unanswered += other.unanswered;
    withoutRetry += other.withoutRetry;
  }

  /** Requests that went out. */
  public long requests() {
    return sent;
  }

  /** Answers of that status. */
  public long count(int status) {
    return statuses.getOrDefault(status, 0L);
  }

  /** Answers of a status that is neither 200 nor a refusal for want of time or room. */
  public long others() {
    return statuses.entrySet().stream()
        .filter(entry -> !Reply.EXPECTED.contains(entry.getKey()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  /** Answers that are not the model's. */
  public long wrong() {
    return wrong;
  }

  /** Requests without any answer. */
  public long unansweredRequests() {
    return unanswered;
  }

  /** Refusals that do not say when to come back. */
  public long refusalsWithoutRetry() {
    return withoutRetry;
  }

  /** The time within which that many percent of the good answers came; 0 where there are none. */
  public double millis(double percentile) {
    return micros.getTotalCount() == 0 ? 0 : micros.getValueAtPercentile(percentile) / 1000.0;
  }
}
