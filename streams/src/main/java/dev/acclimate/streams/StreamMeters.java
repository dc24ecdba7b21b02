package dev.acclimate.streams;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.Producer;

/**
 * The processor's meters, tagged with {@code group} and {@code method}. Counters count what was
 * committed: a batch that is rolled back and run again counts once.
 *
 * <ul>
 *   <li>{@code acclimate.records.in}, {@code acclimate.records.out}: requests and responses; {@code
 *       acclimate.records.frozen}: those of the responses that the frozen model gave
 *   <li>{@code acclimate.records.dead}: dead letters by {@code reason}, a {@link DeadLetterReason}
 *   <li>{@code acclimate.batch.size}: samples a batch; {@code acclimate.batch.fill}: as a fraction
 *       of a full one
 *   <li>{@code acclimate.batch.latency}: from the first record in hand to the commit
 *   <li>{@code acclimate.model.time}: the model's run of a batch
 *   <li>{@code acclimate.frozen.time}: the frozen model's, where a mode or a guard asks it
 *   <li>{@code acclimate.commit.time}: a batch's transaction, while the model runs the next
 *   <li>{@code acclimate.batches.due}: batches that wait for the model
 *   <li>{@code acclimate.streams}: streams with a state of their own; {@code
 *       acclimate.states.resident}: those whose state is in memory
 *   <li>{@code acclimate.journal.bytes}: what the state topic got
 *   <li>{@code acclimate.recovery.time}: from a partition's arrival to its state
 *   <li>{@code acclimate.steps}, {@code acclimate.steps.rejected}: batches that moved the state,
 *       and those the model answered without, since a value was not finite
 *   <li>{@code acclimate.learning.steps}: steps from labels, {@code taken} or {@code refused} as
 *       not finite or too long; {@code acclimate.learning.labels}: labels by the outcome of their
 *       step, or that they made none: {@code unknown}, {@code duplicate}, {@code invalid}; {@code
 *       acclimate.learning.time}: the model's step
 *   <li>{@code acclimate.rollbacks}: transactions given up
 *   <li>{@code acclimate.partitions}: partitions of the topic in that this processor holds
 * </ul>
 *
 * The Kafka clients' own meters come by Micrometer's binder with the same tags; the lag is {@code
 * kafka.consumer.fetch.manager.records.lag}.
 */
final class StreamMeters {
  /** How soon the meters of a newly assigned partition show: Micrometer's minute is long. */
  private static final Duration REFRESH = Duration.ofSeconds(5);

  private static final String TAKEN = "taken";
  private static final String REFUSED = "refused";

  /** No answered request of that id waits for a label: late, or never asked. */
  static final String UNKNOWN = "unknown";

  static final String DUPLICATE = "duplicate";

  /** No class of the model, or not one for each sample. */
  static final String INVALID = "invalid";

  private final MeterRegistry registry;
  private final ScheduledExecutorService refresher;
  private final Tags tags;
  private final List<Meter> registered = new ArrayList<>();
  private final Counter in;
  private final Counter out;
  private final Counter frozen;
  private final Map<DeadLetterReason, Counter> dead = new EnumMap<>(DeadLetterReason.class);
  private final DistributionSummary batchSize;
  private final Timer batchLatency;
  private final Timer modelTime;
  private final Timer frozenTime;
  private final DistributionSummary batchFill;
  private final Timer commitTime;
  private final Timer recoveryTime;
  private final Counter journalBytes;
  private final Counter steps;
  private final Counter rejected;
  private final Counter rollbacks;
  private final Timer learningTime;
  private final Map<String, Counter> learningSteps = new HashMap<>();
  private final Map<String, Counter> learningLabels = new HashMap<>();

  StreamMeters(MeterRegistry registry, String group, String method, Supplier<StreamHealth> health) {
    this.registry = registry;
    this.refresher =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "acclimate-meters-" + group);
              thread.setDaemon(true);
              return thread;
            });
    this.tags = Tags.of("group", group, "method", method);
    this.in = counter("acclimate.records.in", "Requests committed", tags);
    this.out = counter("acclimate.records.out", "Responses committed", tags);
    this.frozen = counter("acclimate.records.frozen", "Responses that the frozen model gave", tags);
    for (DeadLetterReason reason : DeadLetterReason.values()) {
      Tags withReason = tags.and("reason", reason.tag());
      dead.put(reason, counter("acclimate.records.dead", "Dead letters committed", withReason));
    }
    this.batchSize =
        keep(
            DistributionSummary.builder("acclimate.batch.size")
                .description("Samples in a batch")
                .baseUnit("samples")
                .tags(tags)
                .publishPercentileHistogram(false)
                .register(registry));
    this.batchLatency = timer("acclimate.batch.latency", "From the first record to the commit");
    this.modelTime = timer("acclimate.model.time", "The model's run of a batch");
    this.frozenTime =
        timer("acclimate.frozen.time", "The frozen model's run of a batch, for guard and modes");
    this.batchFill =
        keep(
            DistributionSummary.builder("acclimate.batch.fill")
                .description("Samples in a batch as a fraction of a full one")
                .tags(tags)
                .register(registry));
    this.commitTime = timer("acclimate.commit.time", "The transaction of a batch");
    this.recoveryTime = timer("acclimate.recovery.time", "From a partition's arrival to its state");
    this.journalBytes =
        counter("acclimate.journal.bytes", "Bytes of states and batch boundaries committed", tags);
    this.steps = counter("acclimate.steps", "Batches that moved the state", tags);
    this.rejected =
        counter("acclimate.steps.rejected", "Batches answered without moving the state", tags);
    this.rollbacks = counter("acclimate.rollbacks", "Transactions given up", tags);
    this.learningTime = timer("acclimate.learning.time", "The model's step from labels");
    for (String outcome : List.of(TAKEN, REFUSED)) {
      Tags withOutcome = tags.and("outcome", outcome);
      learningSteps.put(
          outcome, counter("acclimate.learning.steps", "Steps from labels", withOutcome));
    }
    for (String outcome : List.of(TAKEN, REFUSED, UNKNOWN, DUPLICATE, INVALID)) {
      Tags withOutcome = tags.and("outcome", outcome);
      learningLabels.put(
          outcome,
          counter("acclimate.learning.labels", "Labels by what became of them", withOutcome));
    }
    keep(
        Gauge.builder("acclimate.partitions", () -> health.get().partitions())
            .description("Partitions of the topic in that this processor holds")
            .tags(tags)
            .register(registry));
  }

  private Counter counter(String name, String description, Tags tags) {
    return keep(Counter.builder(name).description(description).tags(tags).register(registry));
  }

  private Timer timer(String name, String description) {
    return keep(Timer.builder(name).description(description).tags(tags).register(registry));
  }

  private <M extends Meter> M keep(M meter) {
    registered.add(meter);
    return meter;
  }

  /** Binds a client's own meters, the consumer's lag among them; closed by the caller. */
  KafkaClientMetrics bind(Consumer<?, ?> consumer) {
    return bound(new KafkaClientMetrics(consumer, tags, refresher, REFRESH));
  }

  /** Binds a client's own meters; closed by the caller. */
  KafkaClientMetrics bind(Producer<?, ?> producer) {
    return bound(new KafkaClientMetrics(producer, tags, refresher, REFRESH));
  }

  private KafkaClientMetrics bound(KafkaClientMetrics metrics) {
    metrics.bindTo(registry);
    return metrics;
  }

  /** The models ran a batch; {@code frozen} is 0 where the frozen one did not. */
  void modelTook(long nanos, long frozen) {
    modelTime.record(nanos, TimeUnit.NANOSECONDS);
    if (frozen > 0) {
      frozenTime.record(frozen, TimeUnit.NANOSECONDS);
    }
  }

  void learningTook(long nanos) {
    learningTime.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** Labels were used up and that was committed, with a step or without. */
  void learnt(int labels, boolean taken) {
    String outcome = taken ? TAKEN : REFUSED;
    count(learningSteps, outcome, 1);
    count(learningLabels, outcome, labels);
  }

  /** Labels became no part of a step: {@link #UNKNOWN}, {@link #DUPLICATE}, {@link #INVALID}. */
  void unlearnt(String outcome, int labels) {
    count(learningLabels, outcome, labels);
  }

  private static void count(Map<String, Counter> counters, String outcome, int by) {
    Objects.requireNonNull(counters.get(outcome), outcome).increment(by);
  }

  void committing(long nanos) {
    commitTime.record(nanos, TimeUnit.NANOSECONDS);
  }

  void journaled(long bytes) {
    journalBytes.increment((double) bytes);
  }

  void recovered(long nanos) {
    recoveryTime.record(nanos, TimeUnit.NANOSECONDS);
  }

  void rolledBack() {
    rollbacks.increment();
  }

  /** Shows what the pipeline of the moment has in hand. */
  void watch(Supplier<Optional<Pipeline>> pipeline) {
    gauge("acclimate.batches.due", "Batches that wait for the model", pipeline, Pipeline::due);
    gauge("acclimate.streams", "Streams with a state of their own", pipeline, Pipeline::streams);
    gauge("acclimate.states.resident", "States of streams in memory", pipeline, Pipeline::resident);
  }

  private void gauge(
      String name,
      String description,
      Supplier<Optional<Pipeline>> pipeline,
      Function<Pipeline, Integer> figure) {
    keep(
        Gauge.builder(name, () -> pipeline.get().map(figure).orElse(0))
            .description(description)
            .tags(tags)
            .register(registry));
  }

  void committed(BatchTally tally, int samples, int capacity, Duration latency) {
    in.increment(tally.records());
    out.increment(tally.answered());
    frozen.increment(tally.frozen());
    tally.dead().forEach((reason, count) -> dead(reason).increment(count));
    steps.increment(tally.steps());
    rejected.increment(tally.rejected());
    if (samples > 0) {
      batchSize.record(samples);
      batchFill.record((double) samples / capacity);
    }
    batchLatency.record(latency);
  }

  private Counter dead(DeadLetterReason reason) {
    return Objects.requireNonNull(dead.get(reason));
  }

  /** Takes the meters out of the registry, so that a later processor registers its own. */
  void close() {
    refresher.shutdownNow();
    registered.forEach(registry::remove);
  }
}
