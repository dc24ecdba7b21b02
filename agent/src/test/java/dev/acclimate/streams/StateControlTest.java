package dev.acclimate.streams;

import static dev.acclimate.streams.StreamFixture.answer;
import static dev.acclimate.streams.StreamFixture.header;
import static dev.acclimate.streams.StreamFixture.request;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.JournaledStates.ControlRequest;
import dev.acclimate.streams.JournaledStates.JournaledState;
import dev.acclimate.streams.StreamConfig.StateKeeping;
import dev.acclimate.streams.StreamProcessorFaultTest.Fault;
import dev.acclimate.streams.StreamProcessorFaultTest.FaultyClients;
import dev.acclimate.streams.StreamProcessorFaultTest.WithEachEndOfACommit;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StateControlTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final StreamFixture fixture = new StreamFixture(2);
  private final StreamConfig config =
      fixture
          .config
          .withBatch(1, Duration.ofMillis(50))
          .withStates(new StateKeeping(Scope.STREAM, 0, 1 << 20));
  private final TopicReader out = fixture.out();
  private int sent;

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Sends a sample of a stream and returns the step that its answer tells. */
  private String step(String stream) {
    return step(stream, 0);
  }

  private String step(String stream, int partition) {
    fixture.send(partition, stream, request("r" + sent, 1), Map.of());
    fixture.flush();
    sent++;
    List<ConsumerRecord<String, byte[]>> answers = out.await(sent);
    assertThat(answers).hasSize(sent);
    ConsumerRecord<String, byte[]> last = answers.get(sent - 1);
    assertThat(last.key()).isEqualTo(stream);
    boolean anew = header(last, "acclimate-step").equals("1");
    assertThat(answer(last).get(1) == 0).as("initial state").isEqualTo(anew);
    return header(last, "acclimate-step");
  }

  private List<ControlRequest> ask(String stream) {
    try (JournaledStates states = JournaledStates.open(config)) {
      List<JournaledState> concerned =
          states.list().stream().filter(state -> state.isOf(stream)).toList();
      assertThat(concerned).isNotEmpty();
      return states.requestReset(concerned, false);
    }
  }

  private void awaitObeyed(List<ControlRequest> requests) {
    try (JournaledStates states = JournaledStates.open(config)) {
      await().atMost(PATIENCE).until(() -> states.unobeyed(requests).isEmpty());
    }
  }

  private void reset(String stream) {
    awaitObeyed(ask(stream));
  }

  private void write(String subject, String value) {
    String key = config.group() + "/" + config.topics().in() + "-0/control/" + subject;
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", config.bootstrap()),
            new StringSerializer(),
            new ByteArraySerializer())) {
      producer.send(
          new ProducerRecord<>(
              Objects.requireNonNull(config.topics().state()), 0, key, value.getBytes(UTF_8)));
    }
  }

  @Test
  void startsOneStreamAnewWhileTheOthersGoOn() {
    fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a/b"), step("a/b"), step("c"))).containsExactly("1", "2", "1");

    reset("a/b");

    assertThat(List.of(step("a/b"), step("a/b"), step("c"))).containsExactly("1", "2", "2");
  }

  @Test
  void staysResetThroughARestart() {
    StreamProcessor first = fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a"), step("a"), step("b"))).containsExactly("1", "2", "1");
    reset("a");
    first.close();

    StreamProcessor second = fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a"), step("a"), step("b"))).containsExactly("1", "2", "2");
    second.close();
    fixture.start(config, new FoldingModel());
    assertThat(step("a")).isEqualTo("3");
  }

  @Test
  void obeysOnceWhatWasAskedForWhileItWasDown() {
    StreamProcessor first = fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a"), step("a"), step("b"))).containsExactly("1", "2", "1");
    first.close();
    List<ControlRequest> asked = ask("a");

    StreamProcessor second = fixture.start(config, new FoldingModel());
    // nothing has arrived since the restart: the reset is committed by itself
    awaitObeyed(asked);
    second.close();
    StreamProcessor third = fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a"), step("a"), step("b"))).containsExactly("1", "2", "2");
    third.close();
    fixture.start(config, new FoldingModel());
    assertThat(step("a")).isEqualTo("3");
  }

  @WithEachEndOfACommit
  void obeysOnceWhateverHappensToTheCommit(Fault fault) {
    // the third transaction is the reset's own
    FaultyClients clients = new FaultyClients(fault, List.of(3));
    fixture.start(config, new FoldingModel(), clients);
    assertThat(List.of(step("a"), step("a"))).containsExactly("1", "2");

    reset("a");

    assertThat(List.of(step("a"), step("a"))).containsExactly("1", "2");
    assertThat(clients.faults).hasValue(1);
  }

  @Test
  void leavesLanesAloneThatAreNotMeant() {
    fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a", 0), step("b", 0), step("a", 1))).containsOnly("1");
    try (JournaledStates states = JournaledStates.open(config)) {
      List<JournaledState> lane =
          states.list().stream().filter(state -> state.lane().endsWith("-0")).toList();
      List<ControlRequest> requests = states.requestReset(lane, true);
      assertThat(requests).hasSize(1);
      await().atMost(PATIENCE).until(() -> states.unobeyed(requests).isEmpty());
    }

    assertThat(List.of(step("a", 0), step("b", 0), step("a", 1))).containsExactly("1", "1", "2");
  }

  @Test
  void lanesThatShareAPartitionOfTheJournalHearOfTheirOwn() {
    // two lanes, one partition of the journal
    StreamFixture one = new StreamFixture(1);
    StreamConfig shared =
        config.withTopics(
            new StreamConfig.Topics(
                config.topics().in(),
                config.topics().out(),
                config.topics().deadLetter(),
                null,
                one.config.topics().state()));
    try (one) {
      fixture.start(shared, new FoldingModel());
      assertThat(List.of(step("a", 0), step("a", 1))).containsOnly("1");
      try (JournaledStates states = JournaledStates.open(shared)) {
        List<JournaledState> second =
            states.list().stream().filter(state -> state.lane().endsWith("-1")).toList();
        List<ControlRequest> requests = states.requestReset(second, false);
        await().atMost(PATIENCE).until(() -> states.unobeyed(requests).isEmpty());
      }

      assertThat(List.of(step("a", 0), step("a", 1))).containsExactly("2", "1");
    }
  }

  @Test
  void skipsWhatIsNoControl() {
    fixture.start(config, new FoldingModel());
    assertThat(step("a")).isEqualTo("1");
    write("=a", "{\"action\":");
    write("=a", "{\"action\":\"explode\"}");
    write("%zz", "{\"action\":\"reset\"}");
    write("=nobody", "{\"action\":\"reset\"}");

    assertThat(step("a")).isEqualTo("2");
    reset("a");
    assertThat(step("a")).isEqualTo("1");
  }

  @Test
  void tellsWhatTheJournalHolds() {
    StreamProcessor processor = fixture.start(config, new FoldingModel());
    assertThat(List.of(step("a"), step("a"), step("b"))).containsExactly("1", "2", "1");

    try (JournaledStates states = JournaledStates.open(config)) {
      List<JournaledState> running = states.list();
      assertThat(running).extracting(JournaledState::display).containsExactly("a", "b");
      assertThat(running).extracting(JournaledState::steps).containsExactly(2L, 1L);
      assertThat(running).extracting(JournaledState::sequence).containsOnly(3L);
      assertThat(running).extracting(JournaledState::variant).containsOnly("folding");
      // the first batch of a lane is a checkpoint, the next ones are boundaries behind it
      assertThat(running).extracting(JournaledState::batches).containsExactly(1, 1);
      assertThat(new String(states.read(running.get(0)), UTF_8)).isEqualTo("1.0 1");
      assertThatThrownBy(() -> states.read(running.get(1)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("expected a snapshot, found none yet: 1 batches");
      assertThat(states.processors()).isEqualTo(1);

      processor.close();

      List<JournaledState> stopped = states.list();
      assertThat(stopped).extracting(JournaledState::batches).containsOnly(0);
      assertThat(stopped).extracting(JournaledState::steps).containsExactly(2L, 1L);
      assertThat(new String(states.read(stopped.get(0)), UTF_8)).isEqualTo("1.5 2");
      assertThat(Objects.requireNonNull(stopped.get(0).snapshot()).bytes()).isEqualTo(5);
      assertThat(states.processors()).isZero();
    }
  }

  @Test
  void namesAMissingStateTopic() {
    StreamConfig.Topics topics = config.topics();
    assertThatThrownBy(() -> JournaledStates.open(fixture.config.withTopics(bare(topics, null))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("kafka.topics.state: expected the topic");
    assertThatThrownBy(() -> JournaledStates.open(config.withTopics(bare(topics, "no.such.state"))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found none called 'no.such.state'");
  }

  private static StreamConfig.Topics bare(StreamConfig.Topics topics, @Nullable String state) {
    return new StreamConfig.Topics(topics.in(), topics.out(), topics.deadLetter(), null, state);
  }
}
