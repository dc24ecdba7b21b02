package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.acclimate.streams.StreamConfig.StateKeeping;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** States of streams, partitions and of the model as a whole, in memory and parked. */
class ScopesTest {
  /** Longer than sending takes, so that only the end of the log closes batches before they fill. */
  private static final Duration DELAY = Duration.ofSeconds(4);

  private static final int STREAMS = 20;

  private final StreamFixture fixture = new StreamFixture(2);

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Sends numbered records of many streams, dealt at random; returns each stream's numbers. */
  private Map<String, List<Integer>> send(int records, long seed) {
    Random random = new Random(seed);
    Map<String, List<Integer>> sent = new LinkedHashMap<>();
    for (int i = 0; i < records; i++) {
      int stream = random.nextInt(STREAMS);
      String key = "camera/" + stream;
      sent.computeIfAbsent(key, k -> new ArrayList<>()).add(i);
      fixture.send(stream % 2, key, StreamFixture.request("r" + i, i), Map.of());
    }
    fixture.flush();
    return sent;
  }

  /** First value, state before and batch size of each answer, by stream, as full batches give. */
  private static Map<String, List<List<Float>>> expected(Map<String, List<Integer>> sent) {
    Map<String, List<List<Float>>> expected = new HashMap<>();
    sent.forEach(
        (stream, numbers) -> {
          List<List<Float>> answers = new ArrayList<>();
          float state = 0;
          for (int first = 0; first < numbers.size(); first += 4) {
            List<Integer> batch = numbers.subList(first, Math.min(first + 4, numbers.size()));
            float[] values = new float[batch.size()];
            for (int i = 0; i < values.length; i++) {
              values[i] = batch.get(i);
              answers.add(List.of(values[i], state, (float) values.length));
            }
            state = FoldingModel.fold(state, values);
          }
          expected.put(stream, answers);
        });
    return expected;
  }

  private static Map<String, List<List<Float>>> byStream(
      List<ConsumerRecord<String, byte[]>> answers) {
    Map<String, List<List<Float>>> byStream = new HashMap<>();
    answers.forEach(
        record ->
            byStream
                .computeIfAbsent(record.key(), k -> new ArrayList<>())
                .add(StreamFixture.answer(record)));
    return byStream;
  }

  private StreamConfig config(Scope scope, int snapshotEvery, long memory) {
    return fixture
        .config
        .withBatch(4, DELAY)
        .withStates(new StateKeeping(scope, snapshotEvery, memory));
  }

  @Test
  void everyKeyHasAStateOfItsOwn() {
    Map<String, List<Integer>> sent = send(400, 1);

    fixture.start(config(Scope.STREAM, 0, 1 << 20), new FoldingModel());

    assertThat(byStream(fixture.out().settle(400))).isEqualTo(expected(sent));
  }

  @Test
  void statesThatDoNotFitTheMemoryComeBackFromTheJournal() {
    Map<String, List<Integer>> sent = send(400, 2);
    StreamConfig tight = config(Scope.STREAM, 7, 1100); // two states

    fixture.start(tight, new FoldingModel());

    List<ConsumerRecord<String, byte[]>> answers = fixture.out().settle(400);

    assertThat(byStream(answers)).isEqualTo(expected(sent));
    assertThat(fixture.registry.get("acclimate.states.resident").gauge().value())
        .isLessThanOrEqualTo(2 + 2); // of each partition's lane one more may be at work
    assertThat(fixture.registry.get("acclimate.streams").gauge().value()).isEqualTo(STREAMS);
  }

  @Test
  void streamsGoOnWhereTheyWereInTheNextProcessor() {
    Map<String, List<Integer>> sent = send(240, 3);
    Map<String, List<Integer>> all = new LinkedHashMap<>();
    StreamConfig config = config(Scope.STREAM, 5, 1 << 20);
    StreamProcessor first = fixture.start(config, new FoldingModel());
    TopicReader out = fixture.out();
    out.settle(60);
    // open batches end with it where its log ends, so let there be more to read
    Map<String, List<Integer>> more = send(240, 4);
    first.close();
    fixture.start(config.withInstance("another"), new FoldingModel());

    List<ConsumerRecord<String, byte[]>> answers = out.settle(480);

    sent.forEach(
        (key, numbers) -> all.computeIfAbsent(key, k -> new ArrayList<>()).addAll(numbers));
    more.forEach(
        (key, numbers) -> all.computeIfAbsent(key, k -> new ArrayList<>()).addAll(numbers));
    assertThat(answers).hasSize(480);
    byStream(answers)
        .forEach(
            (stream, told) -> {
              // batches may have ended early where the first processor stopped, states never break
              float state = 0;
              int i = 0;
              while (i < told.size()) {
                int size = told.get(i).get(2).intValue();
                float[] values = new float[size];
                for (int j = 0; j < size; j++) {
                  assertThat(told.get(i + j).get(1)).isEqualTo(state);
                  values[j] = told.get(i + j).get(0);
                }
                state = FoldingModel.fold(state, values);
                i += size;
              }
              assertThat(told)
                  .extracting(answer -> answer.get(0).intValue())
                  .containsExactlyElementsOf(all.get(stream));
            });
  }

  @Test
  void theModelAsAWholeHasOneStateAndOneOwner() {
    send(100, 5);
    StreamConfig config = config(Scope.MODEL, 0, 1 << 20);
    StreamProcessor owner = fixture.start(config.withInstance("a"), new FoldingModel());
    TopicReader out = fixture.out();
    List<ConsumerRecord<String, byte[]>> answers = out.settle(100);

    assertThat(answers).hasSize(100);
    float state = 0;
    for (int first = 0; first < 100; first += 4) {
      float[] values = new float[4];
      for (int i = 0; i < 4; i++) {
        List<Float> answer = StreamFixture.answer(answers.get(first + i));
        assertThat(answer.get(1)).isEqualTo(state);
        values[i] = answer.get(0);
      }
      state = FoldingModel.fold(state, values);
    }
    StreamProcessor standby = fixture.start(config.withInstance("b"), new FoldingModel());
    await().until(() -> standby.health().status() == StreamHealth.Status.RUNNING);
    owner.close();
    fixture.sendNumbered(0, 1000, 1004);
    List<ConsumerRecord<String, byte[]>> later = out.settle(104);
    assertThat(StreamFixture.answer(later.get(103)).get(1)).isEqualTo(state);
  }
}
