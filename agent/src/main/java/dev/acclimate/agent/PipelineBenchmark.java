package dev.acclimate.agent;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Calibrator;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.BatchModel;
import dev.acclimate.streams.RequestEncoder;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamProcessor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Times a model behind Kafka against the same model fed directly. A topic is filled with requests,
 * one sample each. Then, in turns, the model runs their batches one after another, decoded
 * beforehand, and a stream processor with a state journal catches up with the topic. Both use one
 * session of ONNX Runtime. A round's ratio compares neighbours in time, in which slow moments of
 * the machine cancel; the median of the rounds counts.
 *
 * <p>The processor is timed from its first commit to its last: connecting and joining the group are
 * left out, decoding, encoding, transactions and snapshots are in. The broker runs in this process
 * and takes its share of the machine, which a broker elsewhere would not.
 */
final class PipelineBenchmark {
  private static final String TOPIC_IN = "requests";
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final long LOOK_EVERY_NANOS = 2_000_000;

  private final OnnxModel model;
  private final Load load;
  private final SessionSettings settings;

  /**
   * What goes through.
   *
   * @param batchSize samples a batch
   * @param batches a round
   * @param partitions of the topic in, which share the batches evenly
   * @param form of the requests
   */
  record Load(int batchSize, int batches, int partitions, RequestEncoder.Form form) {
    int samples() {
      return batchSize * batches;
    }
  }

  /**
   * One method's speed, each figure the median of the rounds.
   *
   * @param method as the user wrote it
   * @param guarded whether a guard watched in the pipeline
   * @param modelRate samples a second through the bare model
   * @param pipelineRate samples a second through Kafka
   * @param ratio the second over the first
   * @param modelMillis the adapted model's time for a batch within the pipeline
   * @param frozenShare of the batches, those that the frozen model ran on too
   * @param commitMillis a batch's transaction, most of it while the model runs the next batch
   * @param journalBytes what a batch adds to the state topic
   */
  record Row(
      String method,
      boolean guarded,
      double modelRate,
      double pipelineRate,
      double ratio,
      double modelMillis,
      double frozenShare,
      double commitMillis,
      double journalBytes) {}

  /** One round of the pipeline. */
  private record Round(
      double rate,
      double modelMillis,
      double frozenShare,
      double commitMillis,
      double journalBytes) {}

  PipelineBenchmark(OnnxModel model, Load load, SessionSettings settings) {
    this.model = model;
    this.load = load;
    this.settings = settings.forBatchesOf(load.batchSize());
  }

  /**
   * Times methods.
   *
   * @param guarded whether each is timed under a guard too
   */
  List<Row> run(List<String> methods, boolean guarded, int rounds) {
    TensorInfo input = Benchmark.onlyInput(model);
    List<Tensor> batches = randomBatches(input);
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      fill(broker, input, batches);
      List<Row> rows = new ArrayList<>();
      for (String method : methods) {
        rows.add(row(broker, method, GuardPolicy.NONE, input, batches, rounds));
        if (guarded) {
          rows.add(row(broker, method, GuardPolicy.DEFAULT, input, batches, rounds));
        }
      }
      return rows;
    } finally {
      batches.forEach(Tensor::close);
    }
  }

  private List<Tensor> randomBatches(TensorInfo input) {
    SplittableRandom random = new SplittableRandom(0);
    long[] shape = new long[input.rank()];
    shape[0] = load.batchSize();
    for (int axis = 1; axis < shape.length; axis++) {
      shape[axis] = input.dimensions().get(axis).size();
    }
    List<Tensor> batches = new ArrayList<>();
    for (int i = 0; i < load.batches(); i++) {
      batches.add(Benchmark.random(model, input, random, shape));
    }
    return batches;
  }

  /**
   * Each batch's samples follow one another in a partition, so that the pipeline finds it again.
   */
  private void fill(EmbeddedBroker broker, TensorInfo input, List<Tensor> batches) {
    broker.createTopics(load.partitions(), TOPIC_IN);
    RequestEncoder encoder = new RequestEncoder(input, load.form());
    float[] sample = new float[Math.toIntExact(input.elementsPerSample())];
    try (Producer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap(), "max.request.size", 16 << 20),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (int batch = 0; batch < batches.size(); batch++) {
        int partition = batch % load.partitions();
        byte[] key = ("stream-" + partition).getBytes(StandardCharsets.UTF_8);
        FloatBuffer values = batches.get(batch).floats();
        for (int i = 0; i < load.batchSize(); i++) {
          values.get(sample);
          var unused =
              producer.send(
                  encoder.encode(batch + "-" + i, sample).toRecord(TOPIC_IN, partition, null, key));
        }
      }
    }
  }

  private Row row(
      EmbeddedBroker broker,
      String method,
      GuardPolicy guard,
      TensorInfo input,
      List<Tensor> batches,
      int rounds) {
    Method parsed = Method.parse(method);
    AdaptedModel adapted = AdaptedModel.adapt(model, parsed);
    Calibration calibration = calibration(parsed, input, batches);
    double[] modelRates = new double[rounds];
    double[] ratios = new double[rounds];
    List<Round> timed = new ArrayList<>();
    try (AdaptiveModel adaptive =
        AdaptiveModel.open(adapted, adapted.initialState(0, calibration), settings)) {
      // the first round warms up
      for (int round = -1; round < rounds; round++) {
        double bare = modelRate(adaptive, input, batches);
        Round through = throughKafka(broker, BatchModel.of(adaptive, Mode.ACTIVE, guard));
        if (round >= 0) {
          modelRates[round] = bare;
          ratios[round] = through.rate() / bare;
          timed.add(through);
        }
      }
    }
    return new Row(
        method,
        guard.watches(),
        Benchmark.median(modelRates),
        Benchmark.median(timed.stream().mapToDouble(Round::rate).toArray()),
        Benchmark.median(ratios),
        Benchmark.median(timed.stream().mapToDouble(Round::modelMillis).toArray()),
        Benchmark.median(timed.stream().mapToDouble(Round::frozenShare).toArray()),
        Benchmark.median(timed.stream().mapToDouble(Round::commitMillis).toArray()),
        Benchmark.median(timed.stream().mapToDouble(Round::journalBytes).toArray()));
  }

  private @Nullable Calibration calibration(Method method, TensorInfo input, List<Tensor> batches) {
    if (!method.needsCalibration()) {
      return null;
    }
    try (Calibrator calibrator = Calibrator.open(model, settings)) {
      for (int i = 0; calibrator.samples() < method.calibrationComponents(); i++) {
        calibrator.add(Map.of(input.name(), batches.get(i % batches.size())));
      }
      return calibrator.cluster(method.calibrationComponents(), 0);
    }
  }

  private double modelRate(AdaptiveModel adaptive, TensorInfo input, List<Tensor> batches) {
    long begin = System.nanoTime();
    for (Tensor batch : batches) {
      adaptive.run(Map.of(input.name(), batch));
    }
    return load.samples() * 1e9 / (System.nanoTime() - begin);
  }

  /** Catches up with the whole topic in a group of its own. */
  private Round throughKafka(EmbeddedBroker broker, BatchModel behind) {
    String name = "bench-" + System.nanoTime();
    StreamConfig.Topics topics =
        new StreamConfig.Topics(
            TOPIC_IN, name + "-responses", name + "-dead", null, name + "-state");
    broker.createTopics(load.partitions(), topics.out(), topics.deadLetter());
    StreamConfig config =
        StreamConfig.of(broker.bootstrap(), name, topics)
            .withBatch(load.batchSize(), StreamConfig.Batching.MOST_DELAY);
    MeterRegistry registry = new SimpleMeterRegistry();
    try (StreamProcessor processor = StreamProcessor.create(config, behind, registry)) {
      processor.start();
      return watch(processor, registry);
    }
  }

  private Round watch(StreamProcessor processor, MeterRegistry registry) {
    Counter answered = registry.get("acclimate.records.out").counter();
    long first = 0;
    double before = 0;
    double seen = 0;
    long progress = System.nanoTime();
    while (seen < load.samples()) {
      LockSupport.parkNanos(LOOK_EVERY_NANOS);
      double count = answered.count();
      long now = System.nanoTime();
      if (count > seen) {
        seen = count;
        progress = now;
        if (before == 0) {
          before = count;
          first = now;
        }
      } else if (now - progress > PATIENCE.toNanos()) {
        throw new IllegalStateException(
            "no answer for " + PATIENCE.toSeconds() + " s, the stream is " + processor.health());
      }
    }
    Timer modelTime = registry.get("acclimate.model.time").timer();
    Timer commitTime = registry.get("acclimate.commit.time").timer();
    return new Round(
        (seen - before) * 1e9 / (progress - first),
        modelTime.mean(TimeUnit.MILLISECONDS),
        (double) registry.get("acclimate.frozen.time").timer().count() / load.batches(),
        commitTime.mean(TimeUnit.MILLISECONDS),
        registry.get("acclimate.journal.bytes").counter().count() / load.batches());
  }
}
