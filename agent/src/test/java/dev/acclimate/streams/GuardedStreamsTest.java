package dev.acclimate.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.BatchResult;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.BatchReport;
import dev.acclimate.adapters.serving.BatchShare;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.adapters.serving.ServingListener;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.streams.StreamProcessorFaultTest.Fault;
import dev.acclimate.streams.StreamProcessorFaultTest.FaultyClients;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The shipped model under a guard, while partitions move between processors and transactions fail:
 * each answer is that of the model it says it is from, and each state the one that the answers tell
 * of.
 */
class GuardedStreamsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BATCH = 8;
  private static final int PARTITIONS = 2;
  private static final List<String> KEYS = List.of("a", "b", "c", "d");
  private static final Duration FOREVER = Duration.ofSeconds(60);
  private static final RequestEncoder ENCODER =
      new RequestEncoder(BuiltinModel.load().inputs().get(0), RequestEncoder.Form.BINARY);

  private final StreamFixture fixture = new StreamFixture(PARTITIONS);
  private final StreamConfig config =
      fixture
          .config
          .withBatch(BATCH, FOREVER)
          .withStates(new StreamConfig.StateKeeping(Scope.STREAM, 0, 64L << 20));
  private final Map<String, List<float[]>> samples = new LinkedHashMap<>();
  private final KafkaProducer<byte[], byte[]> producer =
      new KafkaProducer<>(
          // a flush writes a partition's records at once: nobody sees half a batch
          Map.of("bootstrap.servers", config.bootstrap(), "linger.ms", 5000, "batch.size", 1 << 20),
          new ByteArraySerializer(),
          new ByteArraySerializer());
  @TempDir private Path folder;
  private int sent;

  @BeforeEach
  void start() throws IOException {
    for (String key : KEYS) {
      samples.put(
          key,
          ScenarioSamples.of(
              folder,
              """
              [{domain: contrast, order: iid, samples: 64},
               {domain: blackout, order: iid, samples: 32},
               {domain: contrast, order: iid, samples: 96}]""",
              samples.size()));
    }
  }

  @AfterEach
  void stop() {
    producer.close();
    fixture.close();
  }

  private static AdaptiveModel open() {
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse("ema"));
    return AdaptiveModel.open(
        adapted,
        adapted.initialState(0, null),
        new SessionSettings(ExecutionProvider.CPU, 1, BATCH));
  }

  /** Batches for every stream. */
  private void send(int batches) {
    for (int batch = 0; batch < batches; batch++) {
      sendBatches();
    }
  }

  private void sendBatches() {
    for (int i = sent; i < sent + BATCH; i++) {
      for (String key : KEYS) {
        send(key, i);
      }
    }
    producer.flush();
    sent += BATCH;
  }

  private void send(String key, int number) {
    int partition = KEYS.indexOf(key) % PARTITIONS;
    var unused =
        producer.send(
            ENCODER
                .encode(key + number, sample(key, number))
                .toRecord(config.topics().in(), partition, null, key.getBytes(UTF_8)));
  }

  private float[] sample(String key, int number) {
    List<float[]> all = samples.get(key);
    return all.get(number % all.size());
  }

  /** A member of the group. */
  private final class Member implements AutoCloseable {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final AdaptiveModel model = open();
    private final StreamProcessor processor;

    Member(String instance, KafkaClients clients) {
      processor =
          StreamProcessor.create(
              config.withInstance(instance),
              BatchModel.of(model, Mode.ACTIVE, GuardPolicy.DEFAULT),
              registry,
              clients);
      processor.start();
    }

    boolean has(int partitions) {
      return processor.health().partitions() == partitions;
    }

    int answered() {
      return (int) registry.get("acclimate.records.out").counter().count();
    }

    @Override
    public void close() {
      processor.close();
      model.close();
    }
  }

  @Test
  void partitionsMoveToAnotherProcessorAndBack() {
    List<ConsumerRecord<String, byte[]>> answers;
    try (Member first = new Member("first", KafkaClients.real());
        TopicReader out = fixture.out()) {
      await().until(() -> first.has(PARTITIONS));
      send(6);
      try (Member second = new Member("second", KafkaClients.real())) {
        await()
            .atMost(Duration.ofSeconds(30))
            .pollInterval(Duration.ofMillis(500))
            .until(
                () -> {
                  send(1);
                  return second.has(1);
                });
        await().until(() -> second.answered() > 0);
        send(6);
      } // with batches in hand
      send(6);
      answers = out.settle(KEYS.size() * sent);
    }

    Map<String, ByteBuffer> expected = new TreeMap<>();
    try (AdaptiveModel model = open()) {
      for (String key : KEYS) {
        List<ConsumerRecord<String, byte[]>> own =
            answers.stream().filter(answer -> answer.key().equals(key)).toList();
        expected.put(key, fold(model, key, own));
      }
    }
    assertThat(states()).isEqualTo(expected);
    assertThat(answers)
        .extracting(answer -> StreamFixture.header(answer, "acclimate-answer"))
        .contains("adapted", "frozen");
  }

  /** The guard has seen the batch that comes again: it begins anew with it. */
  @Test
  void aTransactionIsGivenUp() {
    int abortedBatch = 7; // of stream a, whose answers are adapted by then
    int all = samples.get("a").size();
    for (int i = 0; i < all; i++) {
      send("a", i);
    }
    producer.flush();
    FaultyClients clients = new FaultyClients(Fault.ABORTED, List.of(abortedBatch + 1));
    List<ConsumerRecord<String, byte[]>> answers;
    try (Member member = new Member("one", clients);
        TopicReader out = fixture.out()) {
      answers = out.settle(all);
      assertThat(member.answered()).isEqualTo(all);
      assertThat(clients.faults).hasValue(1);
    }

    Course expected = course(all, abortedBatch);
    assertThat(answers)
        .extracting(GuardedStreamsTest::id)
        .containsExactlyElementsOf(IntStream.range(0, all).mapToObj(i -> "a" + i).toList());
    assertThat(answers.stream().flatMap(GuardedStreamsTest::scores).toList())
        .isEqualTo(expected.scores());
    assertThat(answers)
        .extracting(answer -> StreamFixture.header(answer, "acclimate-answer"))
        .containsExactlyElementsOf(expected.by());
    assertThat(states()).isEqualTo(Map.of("a", expected.state()));
    // black frames are kept out of the state either way
    Course undisturbed = course(all, -1);
    assertThat(expected.state()).isEqualTo(undisturbed.state());
    assertThat(undisturbed.by().get(abortedBatch * BATCH)).isEqualTo("adapted");
    assertThat(expected.by().get(abortedBatch * BATCH)).isEqualTo("frozen");
  }

  /** What a served model makes of stream a. */
  private record Course(List<Float> scores, List<String> by, ByteBuffer state) {}

  /**
   * Serves stream a in this process.
   *
   * @param anew the batch with which its guard begins anew
   */
  private Course course(int count, int anew) {
    List<Float> scores = new ArrayList<>();
    List<String> by = new ArrayList<>();
    ServingListener listener =
        new ServingListener() {
          @Override
          public void answered(BatchReport report) {
            by.addAll(
                Collections.nCopies(BATCH, report.adaptedAnswers() > 0 ? "adapted" : "frozen"));
          }
        };
    try (ServedModel served =
        ServedModel.of(open(), "model", "1", Mode.ACTIVE, GuardPolicy.DEFAULT, listener)) {
      for (int first = 0; first < count; first += BATCH) {
        if (first == anew * BATCH) {
          try (AdaptationState state = served.state()) {
            served.restore(state);
          }
        }
        Map<String, Tensor> outputs =
            served.run(
                Map.of(served.inputs().get(0).name(), batch("a", first)),
                List.of(new BatchShare("a", BATCH, null)));
        scores.addAll(values(outputs.get(served.outputs().get(0).name())));
      }
      try (AdaptationState state = served.state()) {
        return new Course(scores, by, ByteBuffer.wrap(state.toBytes()));
      }
    }
  }

  /** The states in the journal, by stream. */
  private Map<String, ByteBuffer> states() {
    Map<String, ByteBuffer> states = new TreeMap<>();
    try (JournaledStates journal = JournaledStates.open(config)) {
      journal.list().forEach(s -> states.put(s.display(), ByteBuffer.wrap(journal.read(s))));
    }
    return states;
  }

  /**
   * Follows the steps that the answers tell of with the model in this process, and holds every
   * answer to what that gives.
   *
   * @return the state that this leads to
   */
  private ByteBuffer fold(
      AdaptiveModel model, String key, List<ConsumerRecord<String, byte[]>> answers) {
    assertThat(answers)
        .extracting(GuardedStreamsTest::id)
        .containsExactlyElementsOf(IntStream.range(0, sent).mapToObj(i -> key + i).toList());
    Map<Long, AdaptationState> states = new HashMap<>();
    AdaptationState state = model.state();
    states.put(0L, state);
    for (int first = 0; first < sent; first += BATCH) {
      List<ConsumerRecord<String, byte[]>> batch = answers.subList(first, first + BATCH);
      Map<String, Tensor> inputs = Map.of(model.samplesInput(), batch(key, first));
      AdaptationState next = model.newState();
      BatchResult result = model.run(inputs, state, next);
      boolean frozen = only(batch, "acclimate-answer").equals("frozen");
      Map<String, Tensor> outputs = frozen ? model.runFrozen(inputs) : result.outputs();
      assertThat(batch.stream().flatMap(GuardedStreamsTest::scores).toList())
          .as("batch %d of %s", first / BATCH, key)
          .isEqualTo(values(outputs.get(model.outputs().get(0).name())));
      long step = Long.parseLong(only(batch, "acclimate-step"));
      if (step == next.step()) {
        states.put(step, next);
      }
      state = Objects.requireNonNull(states.get(step), "step " + step);
    }
    return ByteBuffer.wrap(state.toBytes());
  }

  private Tensor batch(String key, int first) {
    int size = sample(key, first).length;
    Tensor batch = Tensor.of(new float[BATCH * size], BATCH, 3, 32, 32);
    for (int i = 0; i < BATCH; i++) {
      batch.floats().put(i * size, sample(key, first + i));
    }
    return batch;
  }

  /** The value of a header that all records of a batch share. */
  private static String only(List<ConsumerRecord<String, byte[]>> batch, String header) {
    List<String> values =
        batch.stream().map(record -> StreamFixture.header(record, header)).distinct().toList();
    assertThat(values).hasSize(1);
    return values.get(0);
  }

  private static int headerLength(ConsumerRecord<String, byte[]> answer) {
    return Integer.parseInt(StreamFixture.header(answer, RecordHeaders.HEADER_LENGTH));
  }

  private static String id(ConsumerRecord<String, byte[]> answer) {
    try {
      return JSON.readTree(answer.value(), 0, headerLength(answer)).get("id").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<Float> scores(ConsumerRecord<String, byte[]> answer) {
    int header = headerLength(answer);
    FloatBuffer scores =
        ByteBuffer.wrap(answer.value(), header, answer.value().length - header)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    return IntStream.range(0, scores.limit()).mapToObj(scores::get);
  }

  private static List<Float> values(Tensor scores) {
    float[] all = scores.toFloatArray();
    return IntStream.range(0, all.length).mapToObj(i -> all[i]).toList();
  }
}
