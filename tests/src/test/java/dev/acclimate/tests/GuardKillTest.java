package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.BatchResult;
import dev.acclimate.adapters.Method;
import dev.acclimate.agent.Acclimate;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * An agent with a guard in a process of its own is killed while it answers a stream of low contrast
 * in which black frames come, which a guard keeps out of the state.
 */
class GuardKillTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BATCH = 16;
  private static final String METHOD = "ema";

  /** Black frames, which the state must not take in. */
  private static final int BLACK = 96;

  private static final int ROUND = 2 * BATCH;

  /** Rounds in which the agent is killed: all well, among black frames, and all well again. */
  private static final Set<Integer> KILLED = Set.of(3, 6, 7, 10);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private ShippedSetting setting;

  @BeforeEach
  void start() throws IOException {
    setting =
        new ShippedSetting(
            folder,
            160,
            """
            [{domain: contrast, order: iid, samples: 160},
             {domain: blackout, order: iid, samples: %d},
             {domain: contrast, order: iid, samples: 160}]"""
                .formatted(BLACK));
  }

  @AfterEach
  void stop() {
    setting.close();
  }

  @Test
  @Timeout(value = 6, unit = TimeUnit.MINUTES)
  void everyAnswerComesOnceAndEachStateFromTheOneInTheJournal() throws Exception {
    AgentProcess.Group group =
        new AgentProcess.Group(
            folder, setting.broker().bootstrap(), METHOD, "partition", "guarded.in", "guarded");
    setting.broker().createTopics(group.topics(1));
    setting.broker().createTopics(List.of(new NewTopic("guarded.in", 1, (short) 1)));
    List<ConsumerRecord<String, byte[]>> answers = answersOfKilled(group);

    assertThat(answers)
        .extracting(Answers::id)
        .containsExactlyElementsOf(
            IntStream.range(0, setting.samples()).mapToObj(i -> "r" + i).toList());
    assertThat(FinalStates.of(group).values()).containsExactly(fold(answers));
    assertThat(answers)
        .extracting(answer -> Answers.header(answer, "acclimate-answer"))
        .contains("adapted", "frozen");
  }

  private List<ConsumerRecord<String, byte[]>> answersOfKilled(AgentProcess.Group group)
      throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("guarded.yaml"),
            """
            model: '%s'
            method: '%s'
            provider: cpu
            threads: 1
            guard: {policy: rollback}
            states: {snapshot-every: 1000}
            kafka:
              bootstrap: %s
              group: %s
              instance: one
              topics: {in: %s, out: %s, dead-letter: %s, state: %s}
            batch: {max: %d, delay: 60s}
            """
                .formatted(
                    setting.model(),
                    METHOD,
                    group.bootstrap(),
                    group.name(),
                    group.in(),
                    group.out(),
                    group.deadLetter(),
                    group.state(),
                    BATCH));
    try (JavaProcess agent =
            new JavaProcess(
                folder.resolve("guarded.log"),
                Acclimate.class,
                "run",
                "--config",
                file.toString());
        TopicReader out = new TopicReader(group.bootstrap(), group.out())) {
      agent.start();
      for (int round = 0; round < setting.samples() / ROUND; round++) {
        int sent = (round + 1) * ROUND;
        setting.sendRequests("guarded.in", sent - ROUND, sent);
        if (KILLED.contains(round)) {
          out.readUntil(sent - BATCH, agent::requireRunning); // the last batch is under way
          agent.kill();
          agent.start();
        }
        out.readUntil(sent, agent::requireRunning);
      }
      agent.terminate();
      out.settle();
      return out.records();
    }
  }

  /**
   * Follows the steps that the answers tell of with the model in this process, and holds every
   * answer to what that gives.
   *
   * @return the state that this leads to
   */
  private ByteBuffer fold(List<ConsumerRecord<String, byte[]>> answers) {
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse(METHOD));
    Map<Long, AdaptationState> states = new HashMap<>();
    try (AdaptiveModel model =
        AdaptiveModel.open(
            adapted,
            adapted.initialState(0, null),
            new SessionSettings(ExecutionProvider.CPU, 1, BATCH))) {
      AdaptationState state = model.state();
      states.put(0L, state);
      for (int first = 0; first < setting.samples(); first += BATCH) {
        List<ConsumerRecord<String, byte[]>> batch = answers.subList(first, first + BATCH);
        Map<String, Tensor> inputs = Map.of(model.inputs().get(0).name(), batch(first));
        AdaptationState next = model.newState();
        BatchResult result = model.run(inputs, state, next);
        boolean frozen = only(batch, "acclimate-answer").equals("frozen");
        Map<String, Tensor> outputs = frozen ? model.runFrozen(inputs) : result.outputs();
        assertThat(batch.stream().flatMap(GuardKillTest::scores).toList())
            .as("batch %d", first / BATCH)
            .isEqualTo(values(outputs.get(model.outputs().get(0).name())));
        long step = Long.parseLong(only(batch, "acclimate-step"));
        if (step == next.step()) {
          states.put(step, next);
        }
        state = Objects.requireNonNull(states.get(step), "step " + step);
      }
      assertThat(state.step()).isLessThanOrEqualTo((setting.samples() - BLACK) / BATCH);
      return ByteBuffer.wrap(state.toBytes());
    }
  }

  private Tensor batch(int first) {
    int size = setting.sample(0).length;
    Tensor batch = Tensor.of(new float[BATCH * size], BATCH, 3, 32, 32);
    for (int i = 0; i < BATCH; i++) {
      batch.floats().put(i * size, setting.sample(first + i));
    }
    return batch;
  }

  /** The value of a header that all records of a batch share. */
  private static String only(List<ConsumerRecord<String, byte[]>> batch, String header) {
    List<String> values =
        batch.stream().map(record -> Answers.header(record, header)).distinct().toList();
    assertThat(values).hasSize(1);
    return values.get(0);
  }

  private static Stream<Float> scores(ConsumerRecord<String, byte[]> answer) {
    try {
      JsonNode data = JSON.readTree(answer.value()).get("outputs").get(0).get("data");
      return IntStream.range(0, data.size()).mapToObj(i -> data.get(i).floatValue());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Float> values(Tensor scores) {
    float[] all = scores.toFloatArray();
    return IntStream.range(0, all.length).mapToObj(i -> all[i]).toList();
  }
}
