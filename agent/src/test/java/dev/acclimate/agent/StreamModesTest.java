package dev.acclimate.agent;

import static dev.acclimate.agent.AgentTopics.header;
import static dev.acclimate.agent.AgentTopics.json;
import static dev.acclimate.agent.AgentTopics.scores;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardEvent;
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
import dev.acclimate.streams.RequestEncoder;
import dev.acclimate.streams.ScenarioSamples;
import dev.acclimate.streams.TopicReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whose answers go out to a stream, the shipped model's or its adapted self's: the ones that the
 * same model gives when it is served in this process.
 */
class StreamModesTest {
  private static final int BATCH = 16;
  private static final String METHOD = "ema";
  private static final RequestEncoder ENCODER =
      new RequestEncoder(BuiltinModel.load().inputs().get(0), RequestEncoder.Form.JSON);
  private static final Pattern LABELS_JOINED =
      Pattern.compile("acclimate_labels_joined_total\\{\\S+ (\\S+)");
  private static final Pattern FROZEN_RUNS =
      Pattern.compile("acclimate_frozen_time_seconds_count\\{\\S+ (\\S+)");
  private static final Pattern GUARD_EVENT =
      Pattern.compile("acclimate_guard_events_total\\{action=\"(\\w+)\",model=\"model\"\\} (\\S+)");

  @TempDir private Path folder;
  private final AgentTopics topics = new AgentTopics();
  private final TopicReader out = topics.out();

  /** An answer, of whichever model. */
  private record Answer(String by, List<Float> scores) {}

  @BeforeEach
  void start() throws IOException {
    Files.write(folder.resolve("model.onnx"), BuiltinModel.load().proto().toByteArray());
  }

  @AfterEach
  void stop() {
    topics.close();
  }

  private Agent agent(String lines) throws IOException {
    return agent(METHOD, lines);
  }

  private Agent agent(String method, String lines) throws IOException {
    String text =
        """
        model: '%s'
        method: %s
        provider: cpu
        threads: 1
        feedback: {shadow: 0}
        batch: {max: %d, delay: 60s}
        http: {port: 0}
        %s
        """
                .formatted(folder.resolve("model.onnx"), method, BATCH, lines)
            + topics.sectionWithLabels();
    Path file = Files.writeString(folder.resolve("agent.yaml"), text);
    return Agent.start(AgentConfig.read(file), ModelOpener::adaptive);
  }

  private List<float[]> samples(String segments) throws IOException {
    return ScenarioSamples.of(folder, segments, 0);
  }

  private static String camera(int sample) {
    return "camera-" + sample % BATCH;
  }

  private void send(List<float[]> samples, int from, int to) {
    for (int i = from; i < to; i++) {
      send(i, camera(i), samples.get(i));
    }
    topics.flush();
  }

  private void send(int number, String key, float... sample) {
    topics.request(key, ENCODER.encode("r" + number, sample).value());
  }

  private static ServedModel serve(Mode mode, GuardPolicy policy, ServingListener listener) {
    return serve(METHOD, mode, policy, listener);
  }

  private static ServedModel serve(
      String method, Mode mode, GuardPolicy policy, ServingListener listener) {
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse(method));
    AdaptiveModel model =
        AdaptiveModel.open(
            adapted,
            adapted.initialState(0, null),
            new SessionSettings(ExecutionProvider.CPU, 1, BATCH));
    return ServedModel.of(model, "model", "1", mode, policy, listener);
  }

  /** What the model answers in this process. */
  private static List<Answer> expected(ServedModel served, Mode mode, List<float[]> samples) {
    return expected(served, mode, samples, 0, samples.size());
  }

  private static List<Answer> expected(
      ServedModel served, Mode mode, List<float[]> samples, int from, int to) {
    List<Answer> answers = new ArrayList<>();
    int size = samples.get(0).length;
    for (int first = from; first < to; first += BATCH) {
      Tensor batch = Tensor.of(new float[BATCH * size], BATCH, 3, 32, 32);
      List<BatchShare> shares = new ArrayList<>();
      for (int i = 0; i < BATCH; i++) {
        batch.floats().put(i * size, samples.get(first + i));
        shares.add(new BatchShare(camera(first + i), 1, "r" + (first + i)));
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
      answers.add(new Answer(header(record, "acclimate-answer"), scores(record)));
    }
    return answers;
  }

  private static String id(ConsumerRecord<String, byte[]> record) {
    return json(record).get("id").asText();
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

  /** The sum of a counter's samples. */
  private int metric(Agent agent, Pattern counter) throws Exception {
    return counter
        .matcher(topics.metrics(agent))
        .results()
        .mapToInt(sample -> (int) Double.parseDouble(sample.group(1)))
        .sum();
  }

  /** What a guard did, by the agent's metrics. */
  private Map<String, Integer> events(Agent agent) throws Exception {
    Map<String, Integer> events = new TreeMap<>();
    GUARD_EVENT
        .matcher(topics.metrics(agent))
        .results()
        .forEach(event -> events.put(event.group(1), (int) Double.parseDouble(event.group(2))));
    return events;
  }

  /** Notes who answered each batch and what the guard did. */
  private static final class Watcher implements ServingListener {
    private final List<Boolean> adapted = new ArrayList<>();
    private int frozenRuns;
    private final Map<String, Integer> events = new TreeMap<>();

    Watcher() {
      for (GuardEvent.Kind kind : GuardEvent.Kind.values()) {
        events.put(GuardEvent.id(kind), 0);
      }
    }

    @Override
    public void answered(BatchReport report) {
      adapted.add(report.adaptedAnswers() == report.samples());
      frozenRuns += report.frozenNanos() > 0 ? 1 : 0;
    }

    @Override
    public void guarded(GuardEvent event) {
      events.merge(event.id(), 1, Integer::sum);
    }

    List<Answer> named(List<Answer> answers) {
      return IntStream.range(0, answers.size())
          .mapToObj(
              i ->
                  new Answer(
                      adapted.get(i / BATCH) ? "adapted" : "frozen", answers.get(i).scores()))
          .toList();
    }
  }

  /** Low contrast, which adapting helps with, and then what breaks it. */
  private List<float[]> breakingStream() throws IOException {
    return samples(
        """
        [{domain: contrast, order: iid, samples: 320},
         {name: one class, classes: [3], order: iid, samples: 256},
         {name: black, domain: blackout, order: iid, samples: 64},
         {domain: contrast, order: iid, samples: 160}]""");
  }

  /** The last method learns to be sure of itself, for which the guard has another model beside. */
  @ParameterizedTest
  @CsvSource({"ema, frozen", "ema, hold", "ema+tent[learning-rate=0.01], rollback"})
  void theGuardDecidesAsOverHttp(String method, String policy) throws Exception {
    List<float[]> samples = breakingStream();
    send(samples, 0, samples.size());
    List<ConsumerRecord<String, byte[]>> records;
    Map<String, Integer> events;
    int frozenRuns;
    try (Agent agent = agent(method, "guard: {policy: " + policy + "}")) {
      records = out.settle(samples.size());
      events = events(agent);
      frozenRuns = metric(agent, FROZEN_RUNS);
    }

    Watcher watcher = new Watcher();
    GuardPolicy guard = GuardPolicy.DEFAULT.with(GuardPolicy.Action.parse(policy));
    try (ServedModel served = serve(method, Mode.ACTIVE, guard, watcher)) {
      List<Answer> expected = expected(served, Mode.ACTIVE, samples);
      assertThat(answers(records)).isEqualTo(watcher.named(expected));
      assertThat(header(records.get(samples.size() - 1), "acclimate-step"))
          .isEqualTo(Long.toString(served.step()));
    }
    assertThat(events).isEqualTo(watcher.events);
    assertThat(frozenRuns).isEqualTo(watcher.frozenRuns).isLessThan(watcher.adapted.size());
    assertThat(watcher.adapted).contains(true, false);
    assertThat(events.get("trusted")).isPositive();
    assertThat(events.get("fell_back")).isPositive();
    assertThat(events.get("held")).isPositive();
  }

  @Test
  void afterARestartTheGuardStartsAnewFromTheStateInTheJournal() throws Exception {
    List<float[]> samples = samples("[{domain: contrast, order: iid, samples: 480}]");
    int half = 240;
    send(samples, 0, half);
    // so high that the first batch does not reach it
    String lines = "guard: {policy: rollback, return-gain: 0.05}";
    try (Agent agent = agent(lines)) {
      assertThat(agent.health()).isPresent();
      assertThat(out.await(half)).hasSize(half);
    }
    List<ConsumerRecord<String, byte[]>> records;
    try (Agent agent = agent(lines)) {
      assertThat(agent.health()).isPresent();
      send(samples, half, samples.size());
      records = out.settle(samples.size());
    }

    Watcher watcher = new Watcher();
    GuardPolicy usual = GuardPolicy.DEFAULT;
    GuardPolicy guard =
        new GuardPolicy(
            usual.action(),
            usual.checkEvery(),
            usual.window(),
            0.05,
            usual.fallGain(),
            usual.collapse(),
            usual.evidence(),
            usual.snapshots(),
            usual.snapshotBytes());
    try (ServedModel served = serve(Mode.ACTIVE, guard, watcher)) {
      List<Answer> expected =
          new ArrayList<>(expected(served, Mode.ACTIVE, samples.subList(0, half)));
      try (AdaptationState state = served.state()) {
        served.restore(state);
      }
      expected.addAll(expected(served, Mode.ACTIVE, samples.subList(half, samples.size())));
      assertThat(answers(records)).isEqualTo(watcher.named(expected));
    }
    List<String> by = records.stream().map(r -> header(r, "acclimate-answer")).toList();
    assertThat(by.get(half - 1)).isEqualTo("adapted");
    assertThat(by.get(half)).isEqualTo("frozen");
    assertThat(by.get(samples.size() - 1)).isEqualTo("adapted");
    assertThat(header(records.get(half), "acclimate-step")).isEqualTo("" + (half / BATCH + 1));
  }

  @Test
  void everyStreamHasAGuardOfItsOwn() throws Exception {
    List<float[]> well = samples("[{domain: contrast, order: iid, samples: 128}]");
    List<float[]> black = samples("[{domain: blackout, severity: 5, order: iid, samples: 128}]");
    for (int i = 0; i < well.size(); i++) {
      send(i, "well", well.get(i));
      send(i, "black", black.get(i));
    }
    topics.flush();
    List<ConsumerRecord<String, byte[]>> records;
    try (Agent agent = agent("scope: stream\nguard: {policy: rollback}")) {
      assertThat(agent.health()).isPresent();
      records = out.settle(2 * well.size());
    }

    Map.of("well", well, "black", black)
        .forEach(
            (key, samples) -> {
              Watcher watcher = new Watcher();
              try (ServedModel served = serve(Mode.ACTIVE, GuardPolicy.DEFAULT, watcher)) {
                List<Answer> expected = expected(served, Mode.ACTIVE, samples);
                assertThat(answers(records.stream().filter(r -> key.equals(r.key())).toList()))
                    .isEqualTo(watcher.named(expected));
              }
              assertThat(watcher.adapted.contains(true)).isEqualTo(key.equals("well"));
            });
  }

  /** Labels that say what the frozen model said, as if all that differs from it were wrong. */
  @Test
  void labelsTellTheGuard() throws Exception {
    List<float[]> samples = samples("[{domain: contrast, order: iid, samples: 160}]");
    int unlabelled = 3 * BATCH; // in which the guard comes to trust the adapted model
    List<Integer> labels;
    try (ServedModel off = serve(Mode.OFF, GuardPolicy.NONE, ServingListener.NONE)) {
      labels = expected(off, Mode.OFF, samples).stream().map(StreamModesTest::answered).toList();
    }
    Map<String, Integer> events;
    try (Agent agent = agent("guard: {policy: rollback}")) {
      for (int first = 0; first < samples.size(); first += BATCH) {
        send(samples, first, first + BATCH);
        assertThat(out.await(first + BATCH)).hasSize(first + BATCH);
        for (int i = Math.max(first, unlabelled); i < first + BATCH; i++) {
          String label = "{\"id\":\"r%d\",\"label\":%d}".formatted(i, labels.get(i));
          topics.label(camera(i), label);
        }
        int joined = Math.max(0, first + BATCH - unlabelled);
        await().until(() -> metric(agent, LABELS_JOINED) == joined);
      }
      events = events(agent);
    }

    Watcher watcher = new Watcher();
    try (ServedModel served = serve(Mode.ACTIVE, GuardPolicy.DEFAULT, watcher)) {
      List<Answer> expected = new ArrayList<>();
      for (int first = 0; first < samples.size(); first += BATCH) {
        expected.addAll(expected(served, Mode.ACTIVE, samples, first, first + BATCH));
        for (int i = Math.max(first, unlabelled); i < first + BATCH; i++) {
          assertThat(served.label("r" + i, labels.get(i))).isPresent();
        }
      }
      assertThat(answers(out.await(samples.size()))).isEqualTo(watcher.named(expected));
    }
    assertThat(events).isEqualTo(watcher.events);
    assertThat(events.get("rolled_back")).isPositive();
  }

  private static int answered(Answer answer) {
    List<Float> scores = answer.scores();
    return scores.indexOf(Collections.max(scores));
  }
}
