package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.agent.Acclimate;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Labels teach an agent in a process of its own the shipped model on a stream of low contrast. It
 * is killed while requests or labels are under way.
 */
class LearningKillTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROUND = 16;
  private static final int ROUNDS = 14;

  /** Rounds in which something should have been learnt. */
  private static final int LAST = 4;

  private static final int FIRST_OF_LAST = (ROUNDS - LAST) * ROUND;
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** Statistics stay the model's own, so that all that is gained comes from labels. */
  private static final String METHOD = "alpha-bn[source-weight=1]+supervised[labels=16;replay=16]";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private ShippedSetting setting;

  @BeforeEach
  void start() throws IOException {
    int samples = ROUNDS * ROUND;
    setting =
        new ShippedSetting(
            folder, samples, "[{domain: contrast, order: iid, samples: %d}]".formatted(samples));
  }

  @AfterEach
  void stop() {
    setting.close();
  }

  /**
   * What a run of the agent came to.
   *
   * @param right answers in the last rounds
   */
  private record Course(Answers answers, Map<String, ByteBuffer> states, int right) {}

  @Test
  @Timeout(value = 8, unit = TimeUnit.MINUTES)
  void learnsAsIfItHadNotBeenKilledAndAnswersBetter() throws Exception {
    Course undisturbed = run("undisturbed", Set.of(), Set.of());
    Course killed = run("killed", Set.of(3, 9), Set.of(5, 9));

    assertThat(killed.answers().differencesFrom(undisturbed.answers())).isEmpty();
    assertThat(killed.states().values())
        .isNotEmpty()
        .containsExactlyElementsOf(undisturbed.states().values());
    assertThat(undisturbed.right()).isGreaterThan(frozenRight() + LAST * ROUND / 10);
  }

  private Course run(String name, Set<Integer> killedAtRequests, Set<Integer> killedAtLabels)
      throws Exception {
    AgentProcess.Group group =
        new AgentProcess.Group(
            folder, setting.broker().bootstrap(), METHOD, "partition", name + ".in", name);
    setting.broker().createTopics(group.topics(1));
    setting
        .broker()
        .createTopics(
            List.of(
                new NewTopic(name + ".in", 1, (short) 1),
                new NewTopic(feedback(name), 1, (short) 1)));
    JavaProcess agent = agent(name);
    agent.start();
    try (TopicReader out = new TopicReader(setting.broker().bootstrap(), group.out());
        Admin admin = Admin.create(Map.of("bootstrap.servers", setting.broker().bootstrap()))) {
      for (int round = 0; round < ROUNDS; round++) {
        setting.sendRequests(name + ".in", round * ROUND, (round + 1) * ROUND);
        if (killedAtRequests.contains(round)) {
          killAndStartAgain(agent);
        }
        out.readUntil((round + 1) * ROUND, agent::requireRunning);
        setting.sendLabels(feedback(name), round * ROUND, (round + 1) * ROUND);
        if (killedAtLabels.contains(round)) {
          killAndStartAgain(agent);
        }
        awaitLearnt(admin, name, (round + 1) * ROUND);
      }
      agent.terminate();
      out.settle();
      List<ConsumerRecord<String, byte[]>> answers = out.records();
      assertThat(answers).hasSize(ROUNDS * ROUND);
      return new Course(
          Answers.of(answers),
          FinalStates.of(group),
          right(answers.subList(FIRST_OF_LAST, ROUNDS * ROUND).stream().map(this::scores)));
    } finally {
      agent.close();
    }
  }

  private static void killAndStartAgain(JavaProcess agent) {
    agent.kill();
    agent.start();
  }

  private static String feedback(String name) {
    return name + ".labels";
  }

  private JavaProcess agent(String name) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve(name + ".yaml"),
            """
            model: '%s'
            method: '%s'
            provider: cpu
            threads: 1
            kafka:
              bootstrap: %s
              group: %s
              topics: {in: %s.in, out: %s.out, dead-letter: %s.dead, feedback: %s, state: %s.state}
            batch: {max: %d, delay: 60s}
            """
                .formatted(
                    setting.model(),
                    METHOD,
                    setting.broker().bootstrap(),
                    name,
                    name,
                    name,
                    name,
                    feedback(name),
                    name,
                    ROUND));
    return new JavaProcess(
        folder.resolve(name + ".log"), Acclimate.class, "run", "--config", file.toString());
  }

  private static void awaitLearnt(Admin admin, String name, int labels) {
    TopicPartition partition = new TopicPartition(feedback(name), 0);
    await()
        .atMost(PATIENCE)
        .until(
            () -> {
              OffsetAndMetadata committed =
                  admin
                      .listConsumerGroupOffsets(name)
                      .partitionsToOffsetAndMetadata()
                      .get()
                      .get(partition);
              return committed != null && committed.offset() == labels;
            });
  }

  /** How many of the last rounds' scores are highest where the labels say. */
  private int right(Stream<float[]> scores) {
    int right = 0;
    int number = FIRST_OF_LAST;
    for (float[] one : scores.toList()) {
      int best = 0;
      for (int i = 1; i < one.length; i++) {
        best = one[i] > one[best] ? i : best;
      }
      right += best == setting.label(number++) ? 1 : 0;
    }
    return right;
  }

  private float[] scores(ConsumerRecord<String, byte[]> answer) {
    try {
      JsonNode data = JSON.readTree(answer.value()).get("outputs").get(0).get("data");
      float[] scores = new float[data.size()];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = data.get(i).floatValue();
      }
      return scores;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How many answers of the last rounds the model gets right that does not learn. */
  private int frozenRight() {
    OnnxModel model = BuiltinModel.load();
    Tensor batch = Tensor.allocate(ElementType.FP32, LAST * ROUND, 3, 32, 32);
    FloatBuffer values = batch.floats();
    IntStream.range(FIRST_OF_LAST, ROUNDS * ROUND).forEach(i -> values.put(setting.sample(i)));
    try (ModelSession session =
        ModelSession.open(model, new SessionSettings(ExecutionProvider.CPU, 1))) {
      float[] all =
          session
              .run(Map.of(model.inputs().get(0).name(), batch))
              .get(model.outputs().get(0).name())
              .toFloatArray();
      int classes = all.length / (LAST * ROUND);
      return right(
          IntStream.range(0, LAST * ROUND)
              .mapToObj(i -> Arrays.copyOfRange(all, i * classes, (i + 1) * classes)));
    }
  }
}
