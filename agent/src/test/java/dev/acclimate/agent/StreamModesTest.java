package dev.acclimate.agent;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.BatchShare;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.adapters.serving.ServingListener;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.broker.SharedBroker;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.Segment;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.scenarios.Scenario;
import dev.acclimate.streams.RequestEncoder;
import dev.acclimate.streams.TopicReader;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whose answers go out to a stream, the shipped model's or its adapted self's: the ones that the
 * same model gives when it is served in this process.
 */
class StreamModesTest {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BATCH = 16;
  private static final String METHOD = "ema";

  @TempDir private Path folder;
  private final EmbeddedBroker broker = SharedBroker.get();
  private final String name = "modes-" + COUNT.incrementAndGet();
  private KafkaProducer<byte[], byte[]> producer;
  private TopicReader out;

  /** An answer, of whichever model. */
  private record Answer(String by, List<Float> scores) {}

  @BeforeEach
  void start() throws IOException {
    broker.createTopics(1, name + ".in", name + ".out", name + ".dead", name + ".state");
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    out = new TopicReader(broker.bootstrap(), name + ".out");
    Files.write(folder.resolve("model.onnx"), BuiltinModel.load().proto().toByteArray());
  }

  @AfterEach
  void stop() {
    producer.close();
    out.close();
  }

  private Agent agent(String lines) throws IOException {
    String text =
        """
        model: '%1$s'
        method: %4$s
        provider: cpu
        threads: 1
        kafka:
          bootstrap: %2$s
          group: %3$s
          instance: one
          topics: {in: %3$s.in, out: %3$s.out, dead-letter: %3$s.dead, state: %3$s.state}
        batch: {max: %5$d, delay: 60s}
        %6$s
        """
            .formatted(
                folder.resolve("model.onnx"), broker.bootstrap(), name, METHOD, BATCH, lines);
    Path file = Files.writeString(folder.resolve("agent.yaml"), text);
    return Agent.start(AgentConfig.read(file), ModelOpener::adaptive);
  }

  /** Samples of these segments of a scenario, one after the other. */
  private List<float[]> samples(String segments) throws IOException {
    Path scenario = Files.writeString(folder.resolve("scenario.yaml"), "segments: " + segments);
    DomainStream stream =
        DomainStream.of(
            Scenario.read(scenario.toString()),
            DomainKinds.of(new DataSpec.Builtin(320)),
            BuiltinModel.preprocessing(),
            0);
    int size = (int) BuiltinModel.load().inputs().get(0).elementsPerSample();
    List<float[]> samples = new ArrayList<>();
    for (Segment segment : stream.segments()) {
      FloatBuffer values = FloatBuffer.allocate(segment.size() * size);
      segment.fill(0, segment.size(), values);
      for (int i = 0; i < segment.size(); i++) {
        samples.add(Arrays.copyOfRange(values.array(), i * size, (i + 1) * size));
      }
    }
    return samples;
  }

  private static String camera(int sample) {
    return "camera-" + sample % BATCH;
  }

  private void send(List<float[]> samples, int from, int to) {
    RequestEncoder encoder =
        new RequestEncoder(BuiltinModel.load().inputs().get(0), RequestEncoder.Form.JSON);
    for (int i = from; i < to; i++) {
      var unused =
          producer.send(
              encoder
                  .encode("r" + i, samples.get(i))
                  .toRecord(name + ".in", 0, null, camera(i).getBytes(UTF_8)));
    }
    producer.flush();
  }

  private static ServedModel serve(Mode mode, GuardPolicy policy, ServingListener listener) {
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse(METHOD));
    AdaptiveModel model =
        AdaptiveModel.open(
            adapted,
            adapted.initialState(0, null),
            new SessionSettings(ExecutionProvider.CPU, 1, BATCH));
    return ServedModel.of(model, "model", "1", mode, policy, listener);
  }

  /** What the model answers in this process. */
  private static List<Answer> expected(ServedModel served, Mode mode, List<float[]> samples) {
    List<Answer> answers = new ArrayList<>();
    int size = samples.get(0).length;
    for (int first = 0; first < samples.size(); first += BATCH) {
      Tensor batch = Tensor.of(new float[BATCH * size], BATCH, 3, 32, 32);
      List<BatchShare> shares = new ArrayList<>();
      for (int i = 0; i < BATCH; i++) {
        batch.floats().put(i * size, samples.get(first + i));
        shares.add(new BatchShare(camera(first + i), 1, null));
      }
      Map<String, Tensor> outputs =
          served.run(Map.of(served.inputs().get(0).name(), batch), shares);
      float[] all = outputs.get(served.outputs().get(0).name()).toFloatArray();
      int width = all.length / BATCH;
      for (int i = 0; i < BATCH; i++) {
        List<Float> scores = new ArrayList<>();
        for (int c = 0; c < width; c++) {
          scores.add(all[i * width + c]);
        }
        answers.add(
            new Answer(mode.answersAdapted(camera(first + i)) ? "adapted" : "frozen", scores));
      }
    }
    return answers;
  }

  private static List<Answer> answers(List<ConsumerRecord<String, byte[]>> records) {
    List<Answer> answers = new ArrayList<>();
    for (ConsumerRecord<String, byte[]> record : records) {
      assertThat(id(record)).isEqualTo("r" + answers.size());
      List<Float> scores = new ArrayList<>();
      json(record).get("outputs").get(0).get("data").forEach(n -> scores.add(n.floatValue()));
      answers.add(new Answer(header(record, "acclimate-answer"), scores));
    }
    return answers;
  }

  private static JsonNode json(ConsumerRecord<String, byte[]> record) {
    try {
      return JSON.readTree(record.value());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String id(ConsumerRecord<String, byte[]> record) {
    return json(record).get("id").asText();
  }

  private static String header(ConsumerRecord<String, byte[]> record, String key) {
    Header header = record.headers().lastHeader(key);
    return header == null ? "none" : new String(header.value(), UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "shadow", "canary:40%"})
  void answersAreThoseOfTheModelInThisProcess(String mode) throws IOException {
    List<float[]> samples = samples("[{domain: contrast, order: iid, samples: 64}]");
    Mode wanted = Mode.parse(mode);
    send(samples, 0, 48);
    try (Agent agent = agent("mode: '" + mode + "'")) {
      assertThat(agent.health()).isPresent();
      assertThat(out.await(48)).hasSize(48);
    }

    // what adapted, or did not, has done so by the time that adapted answers go out
    List<ConsumerRecord<String, byte[]>> records;
    try (Agent agent = agent("mode: active")) {
      assertThat(agent.health()).isPresent();
      send(samples, 48, 64);
      records = out.settle(64);
    }
    try (ServedModel served = serve(wanted, GuardPolicy.NONE, ServingListener.NONE)) {
      List<Answer> expected = expected(served, wanted, samples.subList(0, 48));
      assertThat(answers(records.subList(0, 48))).isEqualTo(expected);
      served.setMode(Mode.ACTIVE);
      assertThat(answers(records).subList(48, 64))
          .extracting(Answer::scores)
          .isEqualTo(
              expected(served, Mode.ACTIVE, samples.subList(48, 64)).stream()
                  .map(Answer::scores)
                  .toList());
    }
    assertThat(header(records.get(47), "acclimate-step")).isEqualTo(wanted.adapts() ? "3" : "0");
    assertThat(records.subList(48, 64))
        .extracting(r -> header(r, "acclimate-answer"))
        .containsOnly("none");
  }
}
