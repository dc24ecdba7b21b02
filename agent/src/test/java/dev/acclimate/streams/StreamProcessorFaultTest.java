package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.acclimate.agent.broker.SharedBroker;
import dev.acclimate.streams.StreamHealth.Status;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionAbortableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StreamProcessorFaultTest {
  private static final int RECORDS = 24;
  private static final Duration FOREVER = Duration.ofSeconds(60);

  /** The first value of the batch that a guard holds, the second one. */
  private static final float HELD = 4;

  /** The same of the fifth, at which it rolls back. */
  private static final float ROLLED_BACK = 16;

  private final StreamFixture fixture = new StreamFixture(3);

  @AfterEach
  void close() {
    fixture.close();
  }

  /** What goes wrong with a commit. */
  @SuppressWarnings("ImmutableEnumChecker") // exceptions that nobody changes
  enum Fault {
    ABORTED("commitTransaction", false, new TransactionAbortableException("injected")),
    TIMED_OUT("commitTransaction", false, new TimeoutException("injected")),
    COMMITTED_BUT_NEVER_HEARD("commitTransaction", true, new TimeoutException("injected")),
    OFFSETS_REFUSED("sendOffsetsToTransaction", false, new CommitFailedException("injected")),
    OFFSETS_TAKEN_THEN_FAILED("sendOffsetsToTransaction", true, new KafkaException("injected")),
    SEND_FAILED("send", false, new KafkaException("injected")),
    BEGIN_FAILED("beginTransaction", true, new KafkaException("injected")),
    FENCED("beginTransaction", true, null);

    private final String method;
    private final boolean after;
    private final RuntimeException thrown;

    Fault(String method, boolean after, RuntimeException thrown) {
      this.method = method;
      this.after = after;
      this.thrown = thrown;
    }

    /** Whether the transaction goes through all the same. */
    boolean commits() {
      return method.equals("commitTransaction") && after;
    }
  }

  /**
   * Faults that differ in what became of the transaction: given up, gone through unheard, given up
   * by the broker, taken over. That each is met is for the test with all of them.
   */
  @Target(ElementType.METHOD)
  @Retention(RetentionPolicy.RUNTIME)
  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"ABORTED", "COMMITTED_BUT_NEVER_HEARD", "OFFSETS_TAKEN_THEN_FAILED", "FENCED"})
  @interface WithEachEndOfACommit {}

  /** Real clients whose producer meets a fault at some of its transactions. */
  static final class FaultyClients implements KafkaClients {
    private final Fault fault;
    private final List<Integer> when;
    private final AtomicInteger transactions = new AtomicInteger();
    final AtomicInteger faults = new AtomicInteger();

    FaultyClients(Fault fault, List<Integer> when) {
      this.fault = fault;
      this.when = when;
    }

    @Override
    public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
      return KafkaClients.real().openConsumer(config);
    }

    @Override
    public Consumer<byte[], byte[]> openReader(StreamConfig config) {
      return KafkaClients.real().openReader(config);
    }

    @Override
    public Admin openAdmin(StreamConfig config) {
      return KafkaClients.real().openAdmin(config);
    }

    @Override
    @SuppressWarnings("unchecked")
    public Producer<byte[], byte[]> openProducer(StreamConfig config) {
      Producer<byte[], byte[]> real = KafkaClients.real().openProducer(config);
      AtomicBoolean armed = new AtomicBoolean();
      return (Producer<byte[], byte[]>)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {Producer.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("beginTransaction")) {
                  armed.set(when.contains(transactions.incrementAndGet()));
                }
                boolean meet = method.getName().equals(fault.method) && armed.getAndSet(false);
                if (meet) {
                  faults.incrementAndGet();
                }
                if (meet && !fault.after) {
                  throw fault.thrown;
                }
                Object result;
                try {
                  result = method.invoke(real, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
                if (meet && fault.thrown == null) {
                  fence(config);
                } else if (meet) {
                  throw fault.thrown;
                }
                return result;
              });
    }

    private static void fence(StreamConfig config) {
      try (Producer<byte[], byte[]> other = KafkaClients.real().openProducer(config)) {
        other.initTransactions();
      }
    }
  }

  /** The answers of a run that nothing disturbs. */
  private static List<List<Float>> undisturbed() {
    List<List<Float>> answers = new ArrayList<>();
    float state = 0;
    for (int first = 0; first < RECORDS; first += 4) {
      for (int i = first; i < first + 4; i++) {
        answers.add(List.of((float) i, state, 4f));
      }
      state = FoldingModel.fold(state, first, first + 1, first + 2, first + 3);
    }
    return answers;
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void outputsAndStateEqualThoseOfAnUndisturbedRunWhateverHappensToACommit(Fault fault) {
    fixture.sendNumbered(0, 0, RECORDS);
    FaultyClients clients = new FaultyClients(fault, List.of(2, 5));
    StreamProcessor processor =
        fixture.start(fixture.config.withBatch(4, FOREVER), new FoldingModel(), clients);

    List<ConsumerRecord<String, byte[]>> all = fixture.out().settle(RECORDS);

    assertThat(all).extracting(StreamFixture::answer).containsExactlyElementsOf(undisturbed());
    assertThat(clients.faults).hasValue(2);
    assertThat(fixture.registry.get("acclimate.rollbacks").counter().count()).isEqualTo(2);
    await().until(() -> processor.health().ready());
  }

  @WithEachEndOfACommit
  void theGuardHoldsAndRollsBackOnceWhateverHappensToTheCommitsOfIt(Fault fault) {
    fixture.sendNumbered(0, 0, RECORDS);
    StreamConfig config = fixture.config.withBatch(4, FOREVER);
    FaultyClients clients = new FaultyClients(fault, List.of(2, fault.commits() ? 5 : 6));
    TopicReader out = fixture.out();
    try (GuardedFoldingModel model =
        new GuardedFoldingModel(HELD, ROLLED_BACK, StreamProcessorFaultTest::crash)) {
      StreamProcessor processor = fixture.start(config, model, clients);
      assertThat(out.settle(RECORDS))
          .extracting(StreamFixture::answer)
          .containsExactlyElementsOf(guarded());
      await().until(() -> processor.health().ready());
      assertThat(clients.faults).hasValue(2);
      assertThat(guardEvents("held")).isEqualTo(1);
      assertThat(guardEvents("rolled_back")).isEqualTo(1);
      assertThat(fixture.registry.get("acclimate.steps").counter().count()).isEqualTo(4);
      assertThat(fixture.registry.get("acclimate.records.frozen").counter().count()).isEqualTo(8);
      fixture.sendNumbered(0, RECORDS, RECORDS + 4);
      await().until(() -> processor.health().status() == Status.FAILED);
    }

    // whoever takes over finds the state in the journal that they led to
    try (GuardedFoldingModel model = new GuardedFoldingModel(HELD, ROLLED_BACK, values -> {});
        StreamProcessor next = fixture.start(config, model)) {
      List<ConsumerRecord<String, byte[]>> answers = out.settle(RECORDS + 4);
      assertThat(answers).hasSize(RECORDS + 4);
      assertThat(answers.subList(RECORDS, RECORDS + 4))
          .extracting(answer -> StreamFixture.answer(answer).get(1))
          .containsOnly(FoldingModel.fold(GuardedFoldingModel.GOOD, 20, 21, 22, 23));
      assertThat(next.health().ready()).isTrue();
    }
  }

  /** Of many streams in a lane only the one that went back is written at once. */
  @Test
  void aStateThatWentBackSurvivesACrashBesideOthersThatWait() {
    StreamConfig config =
        fixture
            .config
            .withBatch(4, FOREVER)
            .withStates(new StreamConfig.StateKeeping(Scope.STREAM, 1000, 1 << 20));
    TopicReader out = fixture.out();
    try (GuardedFoldingModel model =
        new GuardedFoldingModel(HELD, ROLLED_BACK, StreamProcessorFaultTest::crash)) {
      StreamProcessor processor = fixture.start(config, model);
      send("back", 0, 4);
      assertThat(out.await(4)).hasSize(4);
      send("waits", 100, 104);
      send("back", 8, 20);
      send("back", 20, 24);
      assertThat(out.await(24)).hasSize(24);
      assertThat(snapshotted(config)).containsExactly("back");
      send("back", RECORDS, RECORDS + 4);
      await().until(() -> processor.health().status() == Status.FAILED);
    }

    try (GuardedFoldingModel model = new GuardedFoldingModel(HELD, ROLLED_BACK, values -> {})) {
      fixture.start(config, model);
      send("waits", 104, 108);
      List<ConsumerRecord<String, byte[]>> answers = out.settle(32).subList(24, 32);
      assertThat(stateOf("back", answers))
          .containsOnly(FoldingModel.fold(GuardedFoldingModel.GOOD, 20, 21, 22, 23));
      assertThat(stateOf("waits", answers)).containsOnly(FoldingModel.fold(0, 100, 101, 102, 103));
    }
  }

  private void send(String key, int from, int to) {
    for (int i = from; i < to; i++) {
      fixture.send(0, key, StreamFixture.request(key + i, i), Map.of());
    }
    fixture.flush();
  }

  /** The streams whose state the journal holds. */
  private static List<String> snapshotted(StreamConfig config) {
    try (JournaledStates journal = JournaledStates.open(config)) {
      return journal.list().stream()
          .filter(state -> state.snapshot() != null)
          .map(JournaledStates.JournaledState::display)
          .toList();
    }
  }

  private static List<Float> stateOf(String key, List<ConsumerRecord<String, byte[]>> answers) {
    return answers.stream()
        .filter(answer -> answer.key().equals(key))
        .map(answer -> StreamFixture.answer(answer).get(1))
        .toList();
  }

  private static void crash(float... first) {
    if (first[0] == RECORDS) {
      throw new AssertionError("a crash");
    }
  }

  private double guardEvents(String action) {
    return fixture.registry.get("acclimate.guard.events").tag("action", action).counter().count();
  }

  /** The answers of a run under the guard that nothing disturbs. */
  private static List<List<Float>> guarded() {
    List<List<Float>> answers = new ArrayList<>();
    float state = 0;
    for (int first = 0; first < RECORDS; first += 4) {
      boolean frozen = first == HELD || first == ROLLED_BACK;
      for (int i = first; i < first + 4; i++) {
        answers.add(List.of((float) i, frozen ? GuardedFoldingModel.FROZEN : state, 4f));
      }
      if (first == ROLLED_BACK) {
        state = GuardedFoldingModel.GOOD;
      } else if (first != HELD) {
        state = FoldingModel.fold(state, first, first + 1, first + 2, first + 3);
      }
    }
    return answers;
  }

  @WithEachEndOfACommit
  void switchesToAnotherModelAndBackWhateverHappensToTheCommitInBetween(Fault fault) {
    FaultyClients clients = new FaultyClients(fault, List.of(3, 4));
    FoldingModel first = new FoldingModel("first", values -> {});
    FoldingModel second = new FoldingModel("second", values -> {});
    StreamProcessor processor = fixture.start(fixture.config.withBatch(4, FOREVER), first, clients);
    TopicReader out = fixture.out();

    fixture.sendNumbered(0, 0, 10);
    assertThat(out.await(8)).hasSize(8);
    switchTo(processor, second);
    fixture.sendNumbered(0, 10, 17);
    assertThat(out.await(16)).hasSize(16);
    switchTo(processor, first);
    fixture.sendNumbered(0, 17, 24);

    assertThat(out.settle(24))
        .extracting(StreamFixture::answer)
        .containsExactlyElementsOf(inTurns());
    assertThat(clients.faults).hasValue(2);
  }

  @Test
  void whatAModelLearntSinceASwitchSurvivesACrash() {
    StreamConfig config = fixture.config.withBatch(4, FOREVER);
    FoldingModel first = new FoldingModel("first", values -> {});
    FoldingModel crashing =
        new FoldingModel(
            "second",
            values -> {
              if (values[0] == 16) {
                throw new AssertionError("a crash");
              }
            });
    TopicReader out = fixture.out();
    StreamProcessor processor = fixture.start(config, first);
    fixture.sendNumbered(0, 0, 8);
    assertThat(out.await(8)).hasSize(8);
    switchTo(processor, crashing);
    fixture.sendNumbered(0, 8, 16);
    assertThat(out.await(16)).hasSize(16);
    fixture.sendNumbered(0, 16, 20);
    await().until(() -> processor.health().status() == StreamHealth.Status.FAILED);

    fixture.start(config, new FoldingModel("second", values -> {}));

    List<ConsumerRecord<String, byte[]>> answers = out.settle(20);
    assertThat(answers).hasSize(20);
    float learnt = FoldingModel.fold(FoldingModel.fold(0, 8, 9, 10, 11), 12, 13, 14, 15);
    assertThat(answers.subList(16, 20))
        .map(StreamFixture::answer)
        .allMatch(a -> a.get(1) == learnt);
  }

  private static void switchTo(StreamProcessor processor, FoldingModel model) {
    assertThat(processor.switchTo(model, "folding", "7", null))
        .succeedsWithin(Duration.ofSeconds(30));
  }

  /** Two batches by one model, two by another, two by the first again, which knows not of those. */
  private static List<List<Float>> inTurns() {
    List<List<Float>> answers = new ArrayList<>();
    float[] states = new float[2];
    for (int first = 0; first < RECORDS; first += 4) {
      int model = first / 8 % 2;
      for (int i = first; i < first + 4; i++) {
        answers.add(List.of((float) i, states[model], 4f));
      }
      states[model] = FoldingModel.fold(states[model], first, first + 1, first + 2, first + 3);
    }
    return answers;
  }

  @Test
  void outputsAndStateEqualThoseOfAnUndisturbedRunThoughTheGroupThrewItOut() throws Exception {
    fixture.sendNumbered(0, 0, RECORDS);
    AtomicBoolean slept = new AtomicBoolean();
    FoldingModel model =
        new FoldingModel(
            first -> {
              if (first[0] == 8 && slept.compareAndSet(false, true)) {
                sleep(9000);
              }
            });
    StreamConfig config =
        fixture
            .config
            .withBatch(4, FOREVER)
            .withKafka(
                Map.of(
                    "consumer.max.poll.interval.ms",
                    "1500",
                    "consumer.session.timeout.ms",
                    "6000",
                    "consumer.heartbeat.interval.ms",
                    "500"));
    fixture.start(config, model);

    assertThat(fixture.out().settle(RECORDS))
        .extracting(StreamFixture::answer)
        .containsExactlyElementsOf(undisturbed());
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void answersEveryRecordOnceWhilePartitionsMoveBetweenMembers() {
    StreamConfig config = fixture.config.withBatch(4, Duration.ofMillis(20));
    StreamProcessor first = fixture.start(config.withInstance("a"), new FoldingModel());
    await().until(() -> first.health().ready());
    StreamProcessor second = null;
    for (int round = 0; round < 12; round++) {
      for (int partition = 0; partition < 3; partition++) {
        fixture.sendNumbered(partition, 10 * round, 10 * round + 10);
      }
      if (round == 3) {
        second = fixture.start(config.withInstance("b"), new FoldingModel());
        StreamProcessor joining = second;
        await().atMost(Duration.ofSeconds(20)).until(() -> joining.health().ready());
      }
      if (round == 8) {
        first.close();
      }
    }

    List<ConsumerRecord<String, byte[]>> all = fixture.out().settle(360);

    for (int partition = 0; partition < 3; partition++) {
      String key = "key-" + partition;
      assertThat(all)
          .filteredOn(record -> record.key().equals(key))
          .extracting(record -> StreamFixture.answer(record).get(0).intValue())
          .containsExactlyElementsOf(IntStream.range(0, 120).boxed().toList());
    }
    assertThat(second).isNotNull();
    assertThat(second.health().partitions()).isEqualTo(3);
  }

  @Test
  void failsWhenAnotherProcessorKeepsTakingItsTransactionalId() {
    fixture.sendNumbered(0, 0, RECORDS);
    FaultyClients clients = new FaultyClients(Fault.FENCED, List.of(1, 2, 3));
    StreamProcessor processor =
        fixture.start(fixture.config.withBatch(4, FOREVER), new FoldingModel(), clients);

    assertThatThrownBy(() -> processor.stopped().orTimeout(60, TimeUnit.SECONDS).join())
        .hasMessageContaining("another processor took the place of");
    assertThat(processor.health().status()).isEqualTo(Status.FAILED);
    assertThat(processor.health().ready()).isFalse();
    assertThat(processor.health().detail()).contains("an instance of its own");
  }

  @Test
  void failsWhenAnotherProcessorStartsInItsPlace() {
    StreamProcessor older = fixture.start(fixture.config, new FoldingModel());
    await().until(() -> older.health().ready());
    StreamProcessor newer = fixture.start(fixture.config, new FoldingModel());

    assertThatThrownBy(() -> older.stopped().orTimeout(60, TimeUnit.SECONDS).join())
        .hasMessageContaining("took the place of");
    await().until(() -> newer.health().ready());
    fixture.sendNumbered(0, 0, 4);
    assertThat(fixture.out().settle(4)).hasSize(4);
  }

  @Test
  void failsAtOnceWhenTryingAgainWouldNotHelp() {
    KafkaClients forbidden =
        new KafkaClients() {
          @Override
          public Consumer<byte[], byte[]> openConsumer(StreamConfig config) {
            throw new TopicAuthorizationException("not authorized to read " + config.topics().in());
          }

          @Override
          public Consumer<byte[], byte[]> openReader(StreamConfig config) {
            return KafkaClients.real().openReader(config);
          }

          @Override
          public Admin openAdmin(StreamConfig config) {
            return KafkaClients.real().openAdmin(config);
          }

          @Override
          public Producer<byte[], byte[]> openProducer(StreamConfig config) {
            return KafkaClients.real().openProducer(config);
          }
        };
    StreamProcessor processor = fixture.start(fixture.config, new FoldingModel(), forbidden);

    assertThatThrownBy(() -> processor.stopped().orTimeout(60, TimeUnit.SECONDS).join())
        .hasMessageContaining("not authorized");
    assertThat(processor.health().status()).isEqualTo(Status.FAILED);
  }

  @Test
  void failsRatherThanDrainTheTopicIntoTheDeadLettersOfABrokenModel() {
    fixture.sendNumbered(0, 0, 100);
    FoldingModel broken =
        new FoldingModel(
            first -> {
              throw new IllegalStateException("device lost");
            });
    StreamProcessor processor = fixture.start(fixture.config.withBatch(4, FOREVER), broken);

    assertThatThrownBy(() -> processor.stopped().orTimeout(60, TimeUnit.SECONDS).join())
        .hasMessageContaining("16 batches in a row");
    assertThat(fixture.dead().settle(60)).hasSize(60);

    // a repaired model goes on behind the last commit
    fixture.start(fixture.config.withBatch(4, FOREVER), new FoldingModel());
    assertThat(fixture.out().settle(40))
        .extracting(record -> StreamFixture.answer(record).get(0).intValue())
        .containsExactlyElementsOf(IntStream.range(60, 100).boxed().toList());
  }

  @Test
  void waitsForATopicThatIsNotThereYet() {
    String late = fixture.config.topics().out() + ".late";
    StreamConfig.Topics topics =
        new StreamConfig.Topics(
            fixture.config.topics().in(), late, fixture.config.topics().deadLetter());
    StreamConfig config =
        StreamConfig.of(fixture.config.bootstrap(), fixture.config.group(), topics)
            .withKafka(Map.of("producer.max.block.ms", "2000"));
    StreamProcessor processor = fixture.start(config, new FoldingModel());
    await().until(() -> processor.health().detail().contains(late));
    assertThat(processor.health().status()).isEqualTo(Status.RECOVERING);

    SharedBroker.get().createTopics(1, late);

    await().atMost(Duration.ofSeconds(20)).until(() -> processor.health().ready());
  }
}
