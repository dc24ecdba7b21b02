package dev.acclimate.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.acclimate.agent.broker.SharedBroker;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.StreamConfig.StateKeeping;
import dev.acclimate.streams.StreamConfig.Topics;
import dev.acclimate.streams.StreamProcessorFaultTest.Fault;
import dev.acclimate.streams.StreamProcessorFaultTest.FaultyClients;
import dev.acclimate.streams.feedback.FeedbackConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Labels of the feedback topic teach the model that answers, exactly once. */
class LearningFromLabelsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration FOREVER = Duration.ofSeconds(60);
  private static final int ROUNDS = 5;

  private final StreamFixture fixture = new StreamFixture(1);
  private final StreamConfig config = labelled(fixture.config).withBatch(4, FOREVER);
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final KafkaProducer<String, byte[]> producer =
      new KafkaProducer<>(
          Map.of("bootstrap.servers", config.bootstrap()),
          new StringSerializer(),
          new ByteArraySerializer());
  private final TopicReader out = fixture.out();
  private double learntBefore;

  private static StreamConfig labelled(StreamConfig config) {
    Topics topics = config.topics();
    return config.withTopics(
        new Topics(
            topics.in(), topics.out(), topics.deadLetter(), topics.in() + ".l", topics.state()));
  }

  @BeforeEach
  void createTopic() {
    SharedBroker.get().createTopics(1, config.topics().feedback());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened) {
      one.close();
    }
    producer.close();
    fixture.close();
  }

  private StreamProcessor start(BatchModel model) {
    return start(model, KafkaClients.real());
  }

  private StreamProcessor start(BatchModel model, KafkaClients clients) {
    Feedback feedback =
        Feedback.open(config, FeedbackConfig.DEFAULT, registry, model.outputs(), null);
    StreamProcessor processor = StreamProcessor.create(config, model, registry, feedback, clients);
    opened.add(0, feedback);
    opened.add(0, processor);
    processor.start();
    learntBefore = 0;
    return processor;
  }

  private void request(int first) {
    fixture.send(0, "key", StreamFixture.request("r" + first, first), Map.of());
  }

  private void label(String id, @Nullable Object label) {
    String value = "{\"id\":\"" + id + "\",\"label\":" + label + "}";
    var unused =
        producer.send(
            new ProducerRecord<>(config.topics().feedback(), 0, "key", value.getBytes(UTF_8)));
    producer.flush();
  }

  /** What became of labels since the processor started. */
  private double labels(String outcome) {
    return registry.get("acclimate.learning.labels").tag("outcome", outcome).counter().count();
  }

  private void awaitLabels(String outcome, int count) {
    await().atMost(PATIENCE).until(() -> labels(outcome) >= learntBefore + count);
  }

  /** Four requests, answered as a batch; then their labels, which make a step. */
  private void round(int round) {
    ask(round);
    for (int i = 4 * round; i < 4 * round + 4; i++) {
      label("r" + i, i % 3);
    }
    awaitLabels("taken", 4);
    learntBefore += 4;
  }

  private void ask(int round) {
    for (int i = 4 * round; i < 4 * round + 4; i++) {
      request(i);
    }
    fixture.flush();
    assertThat(out.await(4 * round + 4)).hasSize(4 * round + 4);
  }

  private List<List<Float>> answers(int count) {
    return out.settle(count).stream().map(StreamFixture::answer).toList();
  }

  /** The answers of all rounds, from a model that was told the steps of another. */
  private static List<List<Float>> expected(int rounds, List<List<String>> taught) {
    List<List<Float>> answers = new ArrayList<>();
    float state = 0;
    for (int round = 0; round < rounds; round++) {
      for (int i = 4 * round; i < 4 * round + 4; i++) {
        answers.add(List.of((float) i, state, 4f));
      }
      int first = 4 * round;
      state = FoldingModel.fold(state, first, first + 1, first + 2, first + 3);
      for (String sample : taught.get(round)) {
        String[] parts = sample.split(":", -1);
        state = state / 2 + 1000 * (Integer.parseInt(parts[1]) + 1) + Integer.parseInt(parts[0]);
      }
    }
    return answers;
  }

  /** What an undisturbed model is taught: four new labels a step, and two earlier ones. */
  private static List<String> fresh(int round) {
    List<String> fresh = new ArrayList<>();
    for (int i = 4 * round; i < 4 * round + 4; i++) {
      fresh.add(i + ":" + i % 3);
    }
    return fresh;
  }

  @Test
  void everyFourLabelsMakeAStepBetweenTwoBatches() {
    TeachableModel model = new TeachableModel();
    start(model);

    for (int round = 0; round < ROUNDS; round++) {
      round(round);
    }

    assertThat(model.taught).hasSize(ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
      List<String> step = model.taught.get(round);
      assertThat(step.subList(0, 4)).isEqualTo(fresh(round));
      assertThat(step).hasSize(round == 0 ? 4 : 6);
      assertThat(step.subList(4, step.size()))
          .doesNotHaveDuplicates()
          .allMatch(sample -> Integer.parseInt(sample.split(":", -1)[0]) < fresh(step).get(0));
    }
    assertThat(answers(4 * ROUNDS)).isEqualTo(expected(ROUNDS, model.taught));
  }

  private static List<Integer> fresh(List<String> step) {
    return step.stream().map(sample -> Integer.parseInt(sample.split(":", -1)[0])).toList();
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void nothingIsLearntTwiceOrLostWhateverHappensToACommit(Fault fault) {
    TeachableModel model = new TeachableModel();
    // a step's transaction, and after its second try a batch's
    FaultyClients clients = new FaultyClients(fault, List.of(2, 4));
    start(model, clients);

    for (int round = 0; round < ROUNDS; round++) {
      round(round);
    }

    // a step that is taken again after a roll-back is the same one
    List<List<String>> steps = model.taught.stream().distinct().toList();
    assertThat(steps).hasSize(ROUNDS);
    assertThat(answers(4 * ROUNDS)).isEqualTo(expected(ROUNDS, steps));
    assertThat(clients.faults).hasValue(2);
  }

  @Test
  void aCrashLosesNoLabelAndGoesOnAsIfThereHadBeenNone() {
    TeachableModel crashing =
        new TeachableModel(
            values -> {
              if (values[0] == 12) {
                throw new AssertionError("a crash");
              }
            });
    StreamProcessor first = start(crashing);
    round(0);
    round(1);
    ask(2);
    label("r8", 2);
    label("r9", 0); // these two wait in memory for two more
    for (int i = 12; i < 16; i++) {
      request(i);
    }
    fixture.flush();
    await().atMost(PATIENCE).until(() -> first.health().status() == StreamHealth.Status.FAILED);

    TeachableModel second = new TeachableModel();
    start(second);
    assertThat(out.await(16)).hasSize(16);
    label("r10", 1);
    label("r11", 2);
    awaitLabels("taken", 4);
    learntBefore += 4;
    for (int i = 12; i < 16; i++) {
      label("r" + i, i % 3);
    }
    awaitLabels("taken", 4);
    learntBefore += 4;
    round(4);

    assertThat(crashing.taught).hasSize(2);
    assertThat(second.taught).hasSize(3);
    for (int step = 0; step < 3; step++) {
      assertThat(second.taught.get(step).subList(0, 4)).isEqualTo(fresh(step + 2));
      assertThat(second.taught.get(step)).hasSize(6);
    }
    // the third batch was not learnt from before the fourth one was answered, in either life
    List<List<String>> steps = new ArrayList<>(crashing.taught);
    steps.add(List.of());
    List<String> both = new ArrayList<>(second.taught.get(0));
    both.addAll(second.taught.get(1));
    steps.add(both);
    steps.add(second.taught.get(2));
    assertThat(answers(20)).isEqualTo(expected(5, steps));
  }

  @Test
  void drawsFromWhatWasLearntBeforeARestart() {
    TeachableModel undisturbed = new TeachableModel();
    StreamProcessor first = start(undisturbed);
    for (int round = 0; round < 3; round++) {
      round(round);
    }
    first.close();
    TeachableModel second = new TeachableModel();
    start(second);
    round(3);

    assertThat(second.taught).hasSize(1);
    assertThat(second.taught.get(0)).hasSize(6);
    assertThat(fresh(second.taught.get(0)).subList(4, 6)).allMatch(sample -> sample >= 4);
  }

  @Test
  void labelsThatTeachNothingAreCountedAndHoldNothingUp() {
    TeachableModel model = new TeachableModel();
    start(model);
    ask(0);
    label("never-asked", 1);
    label("r0", 1);
    label("r0", 2);
    label("r1", 3);
    label("r1", -1);
    label("r1", "[1, 2]");
    label("r1", null);
    label("r1", 0);
    label("r2", 0);
    label("r3", 0);

    awaitLabels("taken", 4);

    assertThat(model.taught).containsExactly(List.of("0:1", "1:0", "2:0", "3:0"));
    assertThat(labels("unknown")).isEqualTo(1);
    assertThat(labels("duplicate")).isEqualTo(1);
    assertThat(labels("invalid")).isEqualTo(4);
    label("r0", 2); // what was learnt waits for no label any more
    awaitLabels("unknown", 2);
  }

  @Test
  void labelsOfABacklogWaitUntilItIsAnswered() {
    for (int i = 0; i < 8; i++) {
      request(i);
    }
    fixture.flush();
    for (int i = 0; i < 8; i++) {
      label("r" + i, i % 3);
    }
    TeachableModel model = new TeachableModel();
    start(model);

    awaitLabels("taken", 8);

    assertThat(model.taught.get(0)).isEqualTo(fresh(0));
    assertThat(model.taught.get(1).subList(0, 4)).isEqualTo(fresh(1));
  }

  @Test
  void aStepThatIsRefusedLeavesTheStateAsItWas() {
    TeachableModel model = new TeachableModel();
    start(model);
    for (float first : new float[] {0, 1, TeachableModel.UNTEACHABLE, 3}) {
      fixture.send(0, "key", StreamFixture.request("u" + first, first), Map.of());
    }
    fixture.flush();
    assertThat(out.await(4)).hasSize(4);
    for (float first : new float[] {0, 1, TeachableModel.UNTEACHABLE, 3}) {
      label("u" + first, 1);
    }
    awaitLabels("refused", 4);
    request(9);
    request(9);
    request(9);
    request(9);
    fixture.flush();

    float state = FoldingModel.fold(0, 0, 1, TeachableModel.UNTEACHABLE, 3);
    assertThat(answers(8).get(7)).isEqualTo(List.of(9f, state, 4f));
    assertThat(registry.get("acclimate.learning.steps").tag("outcome", "refused").counter().count())
        .isEqualTo(1);
  }

  @Test
  void refusesASetupInWhichLabelsCannotTeach() {
    TeachableModel model = new TeachableModel();

    assertThatThrownBy(() -> StreamProcessor.create(fixture.config, model, registry))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected a topic for them in kafka.topics.feedback, found none");
    try (Feedback feedback =
        Feedback.open(config, FeedbackConfig.DEFAULT, registry, model.outputs(), null)) {
      StreamConfig streams = config.withStates(new StateKeeping(Scope.STREAM, 0, 1 << 20));
      assertThatThrownBy(() -> StreamProcessor.create(streams, model, registry, feedback))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageStartingWith("scope: expected partition or model");
    }
  }

  @Test
  void failsWhereLabelsCannotBeToldApartByPartition() {
    SharedBroker.get().createTopics(2, config.topics().feedback() + "2");
    Topics topics = config.topics();
    StreamConfig other =
        config.withTopics(
            new Topics(
                topics.in(),
                topics.out(),
                topics.deadLetter(),
                topics.feedback() + "2",
                topics.state()));
    TeachableModel model = new TeachableModel();
    Feedback feedback =
        Feedback.open(other, FeedbackConfig.DEFAULT, registry, model.outputs(), null);
    StreamProcessor processor = StreamProcessor.create(other, model, registry, feedback);
    opened.add(feedback);
    opened.add(0, processor);
    processor.start();

    await().atMost(PATIENCE).until(() -> processor.health().status() == StreamHealth.Status.FAILED);
    assertThat(processor.health().detail()).contains("expected as many partitions");
  }
}
