package dev.acclimate.agent;

import static dev.acclimate.agent.AgentTopics.header;
import static dev.acclimate.agent.AgentTopics.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.TopicReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A running agent whose configuration file and model file change. */
class HotConfigTest {
  private static final String UNMIX = "unmix-tns[components=4]";
  private static final Duration PERIOD = Duration.ofMillis(50);
  private static final int BATCH = 4;
  private static final int PIXELS = 3 * 32 * 32;

  private final AgentTopics topics = new AgentTopics();
  private final TopicReader out = topics.out();
  @TempDir private Path folder;
  private Path model;
  private Path file;
  private Agent agent;
  private ConfigWatch watch;
  private int sent;

  @BeforeEach
  void start() throws IOException {
    model = TinyClassifier.write(folder.resolve("tiny.onnx"));
    file = folder.resolve("agent.yaml");
    configure(UNMIX, "1");
    AgentConfig config = AgentConfig.read(file);
    watch = new ConfigWatch(file, config);
    agent = Agent.start(config, ModelOpener::adaptive);
    watch.start(agent, PERIOD);
  }

  @AfterEach
  void stop() {
    watch.close();
    agent.close();
    topics.close();
  }

  private void configure(String method, String version, String... lines) throws IOException {
    Files.writeString(
        file,
        """
        model: '%s'
        version: '%s'
        method: %s
        provider: cpu
        threads: 1
        batch: {max: 4, delay: 60s}
        http: {port: 0}
        %s
        """
                .formatted(model, version, method, String.join("\n", lines))
            + topics.section());
  }

  /** The pixels of a request; drift makes every batch different from the one before. */
  private static float[] pixels(int request) {
    Random random = new Random(request);
    float[] pixels = new float[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
      pixels[i] = (float) (request / 10.0 + random.nextGaussian());
    }
    return pixels;
  }

  private void send(int count) {
    for (int i = 0; i < count; i++, sent++) {
      String request =
          "{\"id\":\"%d\",\"inputs\":[{\"name\":\"image\",\"shape\":[1,3,32,32],\"datatype\":\"FP32\",\"data\":%s}]}"
              .formatted(sent, Arrays.toString(pixels(sent)));
      topics.request("a", request.getBytes(UTF_8));
    }
    topics.flush();
  }

  private static List<String> headers(List<ConsumerRecord<String, byte[]>> answers, String key) {
    return answers.stream().map(answer -> header(answer, key)).distinct().toList();
  }

  private void assertAnsweredOnce(List<ConsumerRecord<String, byte[]>> answers) {
    assertThat(answers)
        .extracting(answer -> json(answer).get("id").asInt())
        .containsExactlyElementsOf(IntStream.range(0, sent).boxed().toList());
  }

  /** What a model by itself makes of these batches, one after the other. */
  private static List<List<Float>> undisturbed(Path model, String method, int... batches) {
    AdaptedModel adapted = AdaptedModel.adapt(OnnxModel.read(model), Method.parse(method));
    List<List<Float>> scores = new ArrayList<>();
    try (AdaptiveModel alone =
        AdaptiveModel.open(
            adapted,
            adapted.initialState(0, null),
            new SessionSettings(ExecutionProvider.CPU, 1, BATCH))) {
      for (int batch : batches) {
        float[] images = new float[BATCH * PIXELS];
        for (int i = 0; i < BATCH; i++) {
          System.arraycopy(pixels(batch * BATCH + i), 0, images, i * PIXELS, PIXELS);
        }
        float[] all =
            alone
                .run(Map.of("image", Tensor.of(images, BATCH, 3, 32, 32)))
                .outputs()
                .get("scores")
                .toFloatArray();
        for (int i = 0; i < BATCH; i++) {
          List<Float> one = new ArrayList<>();
          for (int c = 0; c < all.length / BATCH; c++) {
            one.add(all[i * all.length / BATCH + c]);
          }
          scores.add(one);
        }
      }
    }
    return scores;
  }

  private void awaitModel(String described) {
    await().atMost(Duration.ofSeconds(30)).until(() -> agent.model().equals(described));
  }

  private double switches(String outcome) throws IOException, InterruptedException {
    String metrics = topics.metrics(agent);
    String line = "acclimate_switches_total{outcome=\"" + outcome + "\"} ";
    return metrics
        .lines()
        .filter(l -> l.startsWith(line))
        .mapToDouble(l -> Double.parseDouble(l.substring(line.length())))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void switchesTheMethodAndGoesBackToTheStateItLeft() throws Exception {
    String unmix = Method.parse(UNMIX).canonical();
    String alpha = Method.parse("alpha-bn").canonical();
    send(3 * BATCH + 2);
    assertThat(out.await(3 * BATCH)).hasSize(3 * BATCH);

    configure("alpha-bn", "1");
    awaitModel("tiny 1 (" + alpha + ")");
    // two requests were in an open batch, which the new method gets whole
    send(2 * BATCH);
    assertThat(out.await(5 * BATCH)).hasSize(5 * BATCH);

    configure(UNMIX, "2");
    awaitModel("tiny 2 (" + unmix + ")");
    send(3 * BATCH + 2);

    List<ConsumerRecord<String, byte[]>> answers = out.settle(9 * BATCH);
    assertAnsweredOnce(answers);
    assertThat(headers(answers.subList(0, 12), "acclimate-method")).containsExactly(unmix);
    assertThat(headers(answers.subList(12, 20), "acclimate-method")).containsExactly(alpha);
    assertThat(headers(answers.subList(20, 36), "acclimate-method")).containsExactly(unmix);
    assertThat(headers(answers.subList(0, 12), "acclimate-step")).containsExactly("1", "2", "3");
    assertThat(headers(answers.subList(20, 36), "acclimate-step"))
        .containsExactly("4", "5", "6", "7");
    assertThat(json(answers.get(19)).get("model_version").asText()).isEqualTo("1");
    assertThat(json(answers.get(20)).get("model_version").asText()).isEqualTo("2");
    // each method's answers are those of a run in which the other's batches never were
    List<List<Float>> byUnmix = undisturbed(model, UNMIX, 0, 1, 2, 5, 6, 7, 8);
    assertThat(answers.subList(0, 12)).map(AgentTopics::scores).isEqualTo(byUnmix.subList(0, 12));
    assertThat(answers.subList(12, 20))
        .map(AgentTopics::scores)
        .isEqualTo(undisturbed(model, "alpha-bn", 3, 4));
    assertThat(answers.subList(20, 36)).map(AgentTopics::scores).isEqualTo(byUnmix.subList(12, 28));
    assertThat(switches("done")).isEqualTo(2);
    assertThat(switches("refused")).isZero();
  }

  @Test
  void aRecordOfTheStateTopicSwitchesTheMethodToo() throws Exception {
    send(2 * BATCH);
    assertThat(out.await(2 * BATCH)).hasSize(2 * BATCH);

    String[] command = {"state", "switch", "--config", file.toString(), "--method", "alpha-bn"};
    assertThat(Acclimate.commandLine().execute(command)).isZero();

    awaitModel("tiny 1 (" + Method.parse("alpha-bn").canonical() + ")");
    send(BATCH);
    List<ConsumerRecord<String, byte[]>> answers = out.settle(3 * BATCH);
    assertAnsweredOnce(answers);
    assertThat(headers(answers.subList(8, 12), "acclimate-method"))
        .containsExactly(Method.parse("alpha-bn").canonical());
    String[] unknown = {"state", "switch", "--config", file.toString(), "--method", "beta-bn"};
    assertThat(Acclimate.commandLine().execute(unknown)).isEqualTo(2);
  }

  @Test
  void goesBackToItsStateFromOneThatKeepsNoneAndAfterARestart() throws Exception {
    send(2 * BATCH);
    assertThat(out.await(2 * BATCH)).hasSize(2 * BATCH);
    agent.switchMethod("source").join();
    send(2 * BATCH);
    assertThat(out.await(4 * BATCH)).hasSize(4 * BATCH);
    agent.switchMethod(UNMIX).join();
    watch.close();
    agent.close();

    AgentConfig config = AgentConfig.read(file);
    watch = new ConfigWatch(file, config);
    agent = Agent.start(config, ModelOpener::adaptive);
    send(BATCH);

    List<ConsumerRecord<String, byte[]>> answers = out.settle(5 * BATCH);
    assertAnsweredOnce(answers);
    assertThat(answers.subList(16, 20))
        .map(AgentTopics::scores)
        .isEqualTo(undisturbed(model, UNMIX, 0, 1, 4).subList(8, 12));
  }

  @Test
  void answersOnWhenTheConfigurationIsNoGood() throws Exception {
    String before = agent.model();
    send(BATCH);
    assertThat(out.await(BATCH)).hasSize(BATCH);
    Path fine = folder.resolve("fine.yaml");
    Files.copy(file, fine);

    Files.writeString(file, Files.readString(fine).replace(UNMIX, "unmix-tns[components=0]"));
    Thread.sleep(10 * PERIOD.toMillis());
    Files.writeString(file, Files.readString(fine).replace("topics:", "topics: {"));
    Thread.sleep(10 * PERIOD.toMillis());
    // a model that is none
    Path broken = Files.write(folder.resolve("broken.onnx"), new byte[] {1, 2, 3});
    Files.writeString(file, Files.readString(fine).replace(model.toString(), broken.toString()));
    await().until(() -> switches("refused") == 1);
    assertThatThrownBy(() -> agent.switchMethod("no-such-method"))
        .isInstanceOf(InvalidInputException.class);

    send(BATCH);
    List<ConsumerRecord<String, byte[]>> answers = out.settle(2 * BATCH);
    assertAnsweredOnce(answers);
    assertThat(headers(answers, "acclimate-step")).containsExactly("1", "2");
    assertThat(agent.model()).isEqualTo(before);
    assertThat(switches("done")).isZero();
  }

  @Test
  void modeAndGuardChangeAndTheStateGoesOn() throws Exception {
    String guarded = "guard: {policy: rollback}";
    send(2 * BATCH + 2);
    assertThat(out.await(2 * BATCH)).hasSize(2 * BATCH);

    switchTo(1, UNMIX, "mode: shadow");
    // two requests were in an open batch, which is answered in the new mode as a whole
    send(2 * BATCH);
    assertThat(out.await(4 * BATCH)).hasSize(4 * BATCH);
    switchTo(2, UNMIX, "mode: off");
    send(BATCH);
    assertThat(out.await(5 * BATCH)).hasSize(5 * BATCH);
    switchTo(3, UNMIX, guarded);
    send(2 * BATCH);
    assertThat(out.await(7 * BATCH)).hasSize(7 * BATCH);
    switchTo(4, "source", guarded);
    send(BATCH);
    assertThat(out.await(8 * BATCH)).hasSize(8 * BATCH);
    switchTo(5, UNMIX);
    send(BATCH + 2);

    List<ConsumerRecord<String, byte[]>> answers = out.settle(10 * BATCH);
    assertAnsweredOnce(answers);
    assertThat(headers(answers.subList(0, 8), "acclimate-answer")).containsExactly("none");
    assertThat(headers(answers.subList(8, 28), "acclimate-answer")).containsExactly("frozen");
    assertThat(headers(answers.subList(28, 40), "acclimate-answer")).containsExactly("none");
    assertThat(headers(answers.subList(0, 16), "acclimate-step"))
        .containsExactly("1", "2", "3", "4");
    assertThat(headers(answers.subList(16, 20), "acclimate-step")).containsExactly("4");
    assertThat(headers(answers.subList(20, 28), "acclimate-step")).containsExactly("5", "6");
    assertThat(headers(answers.subList(32, 40), "acclimate-step")).containsExactly("7", "8");
    // all that was answered while something adapted is in the state, whoever answered it
    List<List<Float>> adapted = undisturbed(model, UNMIX, 0, 1, 2, 3, 5, 6, 8, 9);
    List<List<Float>> frozen = undisturbed(model, "source", 2, 3, 4, 5, 6, 7);
    assertThat(answers.subList(0, 8)).map(AgentTopics::scores).isEqualTo(adapted.subList(0, 8));
    assertThat(answers.subList(8, 32)).map(AgentTopics::scores).isEqualTo(frozen);
    assertThat(answers.subList(32, 40)).map(AgentTopics::scores).isEqualTo(adapted.subList(24, 32));
    assertThat(switches("refused")).isZero();
  }

  private void switchTo(int count, String method, String... lines) throws Exception {
    configure(method, "1", lines);
    await().atMost(Duration.ofSeconds(30)).until(() -> switches("done") == count);
  }

  @Test
  void refusesAGuardThatCannotWatchTheModelAndAnswersOn() throws Exception {
    Path without = TinyClassifier.writeWithoutScores(folder.resolve("features.onnx"));
    configure(UNMIX, "1", "guard: {policy: rollback}");
    Files.writeString(file, Files.readString(file).replace(model.toString(), without.toString()));
    AgentConfig wanted = AgentConfig.read(file);
    String refused = "guard.policy: expected off for a model without class scores";

    await().until(() -> switches("refused") == 1);
    assertThatThrownBy(() -> agent.switchTo(wanted.model()).join())
        .hasCauseInstanceOf(InvalidInputException.class)
        .hasMessageContaining(refused);
    assertThatThrownBy(() -> Agent.start(wanted, ModelOpener::adaptive))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(refused);
    send(BATCH);
    assertThat(out.await(BATCH)).hasSize(BATCH);
    assertThat(switches("done")).isZero();

    // without the guard it is none the worse
    Files.writeString(
        file, Files.readString(file).replace("guard: {policy: rollback}", "mode: shadow"));
    await().until(() -> switches("done") == 1);
    send(BATCH);
    assertThat(headers(out.await(2 * BATCH).subList(BATCH, 2 * BATCH), "acclimate-answer"))
        .containsExactly("frozen");
  }

  @Test
  void refusesAModelOfOtherInputs() throws Exception {
    Path other = folder.resolve("other.onnx");
    TinyClassifier.write(other, 1, "picture");
    AgentConfig.Model wanted =
        new AgentConfig.Model(
            other, "other", "1", "source", ExecutionProvider.CPU, 1, 0, null, null);

    assertThatThrownBy(() -> agent.switchTo(wanted).join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(InvalidInputException.class)
        .hasMessageContaining("image FP32 [batch, 3, 32, 32]")
        .hasMessageContaining("picture FP32 [batch, 3, 32, 32]");

    send(BATCH);
    assertThat(out.await(BATCH)).hasSize(BATCH);
    assertThat(switches("refused")).isEqualTo(1);
  }

  @Test
  void takesUpANewModelInTheSameFile() throws Exception {
    send(2 * BATCH);
    assertThat(out.await(2 * BATCH)).hasSize(2 * BATCH);

    Path next = TinyClassifier.write(folder.resolve("next.onnx"), 2);
    Files.copy(next, model, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    await().atMost(Duration.ofSeconds(30)).until(() -> switches("done") == 1);
    send(2 * BATCH);

    List<ConsumerRecord<String, byte[]>> answers = out.settle(4 * BATCH);
    assertAnsweredOnce(answers);
    assertThat(answers.subList(8, 16))
        .map(AgentTopics::scores)
        .isEqualTo(undisturbed(next, UNMIX, 2, 3));
  }
}
