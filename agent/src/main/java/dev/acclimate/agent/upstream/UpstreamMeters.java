package dev.acclimate.agent.upstream;

import dev.acclimate.adapters.serving.RecentAccuracy;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.OutputSlice;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Meters of a server that the agent stands in front of, {@code acclimate.upstream.*}. The gauges of
 * the comparison are over the last 1,000 rows and the last about 1,000 answers; NaN before the
 * first. Thread-safe.
 */
public final class UpstreamMeters {
  private static final int RECENT = 1000;

  /** What became of a request that was forwarded. */
  public enum Outcome {
    /** The server did it. */
    ANSWERED,
    /** The server refused it, 4xx. */
    REFUSED,
    /** The server failed at it, 5xx. */
    FAILED,
    /** No answer in time. */
    LATE,
    /** No connection, or one that broke. */
    UNREACHABLE,
    /** Too many requests waited for a connection. */
    BUSY
  }

  /** What became of a request beside its answer. */
  public enum Beside {
    /** Both answers were compared. */
    COMPARED,
    /** There was no room for it. */
    DROPPED,
    /** The request or the server's answer is not one of our model's. */
    UNREADABLE,
    /** Our model failed, or nothing adapts any more. */
    FAILED
  }

  private final Map<Outcome, Counter> outcomes = new EnumMap<>(Outcome.class);
  private final Map<Beside, Counter> besides = new EnumMap<>(Beside.class);
  private final Timer time;
  private final Counter alone;
  private final Counter agreed;
  private final Counter disagreed;
  private final RecentAccuracy agreement = new RecentAccuracy(RECENT);
  private double difference = Double.NaN;
  private int answers;

  /**
   * Registers them.
   *
   * @param ready whether the server answers
   */
  public UpstreamMeters(MeterRegistry registry, BooleanSupplier ready) {
    for (Outcome outcome : Outcome.values()) {
      outcomes.put(
          outcome,
          counter(registry, "acclimate.upstream.requests", "Requests forwarded", tag(outcome)));
    }
    for (Beside beside : Beside.values()) {
      besides.put(
          beside,
          counter(
              registry,
              "acclimate.upstream.beside",
              "Requests to be adapted to or compared beside their answer",
              tag(beside)));
    }
    String samples = "acclimate.upstream.samples";
    String compared = "Samples that both answered, by whether their class is the same";
    agreed = counter(registry, samples, compared, "agreed");
    disagreed = counter(registry, samples, compared, "disagreed");
    time =
        Timer.builder("acclimate.upstream.time")
            .description("From a request's way to the server to the whole of its answer")
            .register(registry);
    alone =
        Counter.builder("acclimate.upstream.substituted")
            .description("Requests that our model answered and the server did not")
            .register(registry);
    Gauge.builder("acclimate.upstream.ready", ready, now -> now.getAsBoolean() ? 1 : 0)
        .description("1 where the server is ready, else 0")
        .strongReference(true)
        .register(registry);
    Gauge.builder("acclimate.upstream.disagreement", () -> 1 - agreement.value())
        .description("Part of the last samples whose class is another than the server's")
        .register(registry);
    Gauge.builder("acclimate.upstream.difference", this::difference)
        .description("Mean absolute difference of recent outputs from the server's")
        .register(registry);
  }

  private static Counter counter(
      MeterRegistry registry, String name, String description, String outcome) {
    return Counter.builder(name)
        .description(description)
        .tag("outcome", outcome)
        .register(registry);
  }

  private static String tag(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** The server answered, be it by a refusal. */
  public void answered(HttpAnswer answer, long nanos) {
    time.record(nanos, TimeUnit.NANOSECONDS);
    count(
        answer.isGood()
            ? Outcome.ANSWERED
            : answer.status() / 100 == 5 ? Outcome.FAILED : Outcome.REFUSED);
  }

  /** The server gave no answer. */
  public void unanswered(UpstreamException e) {
    count(
        switch (e.kind()) {
          case UNREACHABLE -> Outcome.UNREACHABLE;
          case LATE -> Outcome.LATE;
          case BUSY -> Outcome.BUSY;
        });
  }

  private void count(Outcome outcome) {
    counter(outcomes, outcome).increment();
  }

  private static <K> Counter counter(Map<K, Counter> counters, K key) {
    Counter counter = counters.get(key);
    if (counter == null) {
      throw new AssertionError(key + " has no counter");
    }
    return counter;
  }

  /** A request came to that end beside its answer. */
  public void beside(Beside end) {
    counter(besides, end).increment();
  }

  /** Our model answered a request to which the server gave no good answer. */
  public void substituted() {
    alone.increment();
  }

  /**
   * Both answered.
   *
   * @param outputs the model's
   */
  public void compare(
      List<TensorInfo> outputs, List<OutputSlice> ours, Map<String, Tensor> theirs) {
    Comparison found = Comparison.of(outputs, ours, theirs);
    beside(Beside.COMPARED);
    agreed.increment(found.rows() - found.differing());
    disagreed.increment(found.differing());
    for (int row = 0; row < found.rows(); row++) {
      agreement.add(row >= found.differing());
    }
    take(found.meanDifference());
  }

  private synchronized void take(double mean) {
    if (!Double.isNaN(mean)) {
      answers = Math.min(answers + 1, RECENT);
      difference = answers == 1 ? mean : difference + (mean - difference) / answers;
    }
  }

  private synchronized double difference() {
    return difference;
  }
}
