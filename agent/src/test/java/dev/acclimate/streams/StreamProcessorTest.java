package dev.acclimate.streams;

import static dev.acclimate.streams.StreamFixture.answer;
import static dev.acclimate.streams.StreamFixture.header;
import static dev.acclimate.streams.StreamFixture.id;
import static dev.acclimate.streams.StreamFixture.json;
import static dev.acclimate.streams.StreamFixture.request;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import dev.acclimate.streams.StreamHealth.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StreamProcessorTest {
  private final StreamFixture fixture = new StreamFixture(3);

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void answersJsonAndBinaryInTheFormOfTheRequest() {
    RequestEncoder.Encoded binary =
        new RequestEncoder(FoldingModel.INPUT, RequestEncoder.Form.BINARY)
            .encode("b", new float[] {5, 0, 6, 0});
    fixture.send(
        0,
        "cam",
        request("a", 3),
        Map.of("traceparent", "00-ab-cd-01", "tracestate", "v=1", "other", "x"));
    fixture.send(
        0,
        "cam",
        binary.value(),
        Map.of(RecordHeaders.HEADER_LENGTH, Integer.toString(binary.headerLength())));
    fixture.flush();
    fixture.start(fixture.config.withBatch(3, Duration.ofSeconds(20)), new FoldingModel());

    List<ConsumerRecord<String, byte[]>> responses = fixture.out().settle(2);

    assertThat(responses).hasSize(2).extracting(ConsumerRecord::key).containsOnly("cam");
    ConsumerRecord<String, byte[]> first = responses.get(0);
    assertThat(json(first).get("model_name").asText()).isEqualTo("folding");
    assertThat(json(first).get("model_version").asText()).isEqualTo("7");
    assertThat(id(first)).isEqualTo("a");
    assertThat(answer(first)).containsExactly(3f, 0f, 3f);
    assertThat(headers(first))
        .containsOnly(
            entry("acclimate-method", "folding[half=0.5]"),
            entry("acclimate-step", "1"),
            entry("traceparent", "00-ab-cd-01"),
            entry("tracestate", "v=1"));
    ConsumerRecord<String, byte[]> second = responses.get(1);
    int length = Integer.parseInt(header(second, RecordHeaders.HEADER_LENGTH));
    assertThat(new String(second.value(), 0, length, UTF_8)).contains("\"id\":\"b\"");
    ByteBuffer data = ByteBuffer.wrap(second.value()).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(data.getFloat(length)).isEqualTo(5f);
    assertThat(data.getFloat(length + 12)).isEqualTo(6f);
    assertThat(second.value()).hasSize(length + 24);
  }

  private static Map<String, String> headers(ConsumerRecord<String, byte[]> record) {
    Map<String, String> headers = new LinkedHashMap<>();
    record.headers().forEach(h -> headers.put(h.key(), new String(h.value(), UTF_8)));
    return headers;
  }

  @Test
  void runsFullBatchesAtOnceAndTheBatchInHandWhenStopped() {
    StreamProcessor processor =
        fixture.start(fixture.config.withBatch(4, Duration.ofSeconds(60)), new FoldingModel());
    fixture.sendNumbered(1, 1, 11);
    TopicReader out = fixture.out();

    assertThat(out.settle(8)).hasSize(8);

    processor.close();
    List<ConsumerRecord<String, byte[]>> all = out.settle(10);
    float afterOne = FoldingModel.fold(0, 1, 2, 3, 4);
    float afterTwo = FoldingModel.fold(afterOne, 5, 6, 7, 8);
    assertThat(all)
        .extracting(StreamFixture::answer)
        .containsExactly(
            List.of(1f, 0f, 4f),
            List.of(2f, 0f, 4f),
            List.of(3f, 0f, 4f),
            List.of(4f, 0f, 4f),
            List.of(5f, afterOne, 4f),
            List.of(6f, afterOne, 4f),
            List.of(7f, afterOne, 4f),
            List.of(8f, afterOne, 4f),
            List.of(9f, afterTwo, 2f),
            List.of(10f, afterTwo, 2f));
    assertThat(processor.health().status()).isEqualTo(Status.STOPPED);
  }

  @Test
  void runsWhatThereIsWhenTheFirstRecordHasWaitedEnough() {
    fixture.start(fixture.config.withBatch(64, Duration.ofMillis(300)), new FoldingModel());
    fixture.sendNumbered(0, 0, 3);

    assertThat(fixture.out().settle(3)).hasSize(3);
  }

  @Test
  void keepsTheStatesOfPartitionsApart() {
    fixture.sendNumbered(0, 1, 5);
    fixture.sendNumbered(1, 11, 19);
    fixture.start(fixture.config.withBatch(4, Duration.ofSeconds(20)), new FoldingModel());

    List<ConsumerRecord<String, byte[]>> all = fixture.out().settle(12);

    assertThat(all)
        .filteredOn(record -> record.key().equals("key-1"))
        .extracting(record -> answer(record).get(1))
        .containsExactly(0f, 0f, 0f, 0f, 50f, 50f, 50f, 50f);
    assertThat(all)
        .filteredOn(record -> record.key().equals("key-0"))
        .extracting(record -> answer(record).get(1))
        .containsOnly(0f);
  }

  @Test
  void answersTheGoodAroundEveryKindOfPoison() {
    String json = new String(request("bad", 1), UTF_8);
    List<byte[]> poison = new ArrayList<>();
    poison.add(null);
    Stream.of(
            "",
            "{\"id\":",
            "[1,2]",
            json.replace("[1,2]", "[1,3]"),
            json.replace("[1,2]", "[9,2]"),
            json.replace("FP32", "INT64"),
            json.replace("FP32", "BYTES"),
            json.replace("1.0,0", "1.0"),
            json.replace("1.0,0", "NaN,0"),
            json.replace("1.0,0", "1e39,0"),
            json.replace("1.0,0", "\\\"1\\\",0").replace("\\", ""),
            json.replace("\"x\"", "\"other\""),
            "{\"id\":\"none\"}",
            "{\"pad\":\"" + "p".repeat(5000) + "\"}",
            new String(request("model", FoldingModel.POISON), UTF_8))
        .forEach(text -> poison.add(text.getBytes(UTF_8)));
    List<String> good = new ArrayList<>();
    for (int i = 0; i < poison.size(); i++) {
      int partition = i % 3;
      fixture.sendNumbered(partition, i, i + 1);
      fixture.send(partition, "bad-" + i, poison.get(i), Map.of("mine", "m" + i));
      good.add(partition + ":" + i);
    }
    byte[] header =
        "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":8}}]}"
            .getBytes(UTF_8);
    ByteBuffer infinite =
        ByteBuffer.allocate(header.length + 8).order(ByteOrder.LITTLE_ENDIAN).put(header);
    infinite.putFloat(1).putFloat(Float.POSITIVE_INFINITY);
    String length = Integer.toString(header.length);
    fixture.send(0, "bad-inf", infinite.array(), Map.of(RecordHeaders.HEADER_LENGTH, length));
    fixture.send(0, "bad-cut", header, Map.of(RecordHeaders.HEADER_LENGTH, length));
    fixture.sendNumbered(0, 100, 101);
    good.add("0:100");
    int bad = poison.size() + 2;

    fixture.start(
        fixture.config.withBatching(
            new StreamConfig.Batching(4, Duration.ofMillis(50), 4000, null)),
        new FoldingModel());

    List<ConsumerRecord<String, byte[]>> answered = fixture.out().settle(good.size());
    List<ConsumerRecord<String, byte[]>> dead = fixture.dead().settle(bad);
    assertThat(answered).extracting(StreamFixture::id).containsExactlyInAnyOrderElementsOf(good);
    for (int partition = 0; partition < 3; partition++) {
      String prefix = partition + ":";
      assertThat(answered)
          .extracting(StreamFixture::id)
          .filteredOn(id -> id.startsWith(prefix))
          .containsExactlyElementsOf(good.stream().filter(id -> id.startsWith(prefix)).toList());
    }
    assertThat(dead).hasSize(bad);
    Map<String, String> reasons = new LinkedHashMap<>();
    for (ConsumerRecord<String, byte[]> record : dead) {
      reasons.put(record.key(), header(record, "acclimate-reason").replaceFirst(":.*", ""));
      assertThat(header(record, "acclimate-origin-topic")).isEqualTo(fixture.config.topics().in());
    }
    assertThat(reasons)
        .containsOnly(
            entry("bad-0", "tombstone"),
            entry("bad-1", "malformed"),
            entry("bad-2", "malformed"),
            entry("bad-3", "malformed"),
            entry("bad-4", "wrong-shape"),
            entry("bad-5", "wrong-shape"),
            entry("bad-6", "wrong-datatype"),
            entry("bad-7", "unsupported-datatype"),
            entry("bad-8", "wrong-count"),
            entry("bad-9", "not-finite"),
            entry("bad-10", "not-finite"),
            entry("bad-11", "wrong-datatype"),
            entry("bad-12", "unknown-input"),
            entry("bad-13", "missing-input"),
            entry("bad-14", "too-large"),
            entry("bad-15", "model-failure"),
            entry("bad-inf", "not-finite"),
            entry("bad-cut", "truncated"));
    ConsumerRecord<String, byte[]> fifth =
        dead.stream().filter(record -> record.key().equals("bad-4")).findFirst().orElseThrow();
    assertThat(fifth.value()).isEqualTo(poison.get(4));
    assertThat(header(fifth, "mine")).isEqualTo("m4");
    assertThat(header(fifth, "acclimate-reason"))
        .isEqualTo("wrong-shape: input x: expected shape [batch, 2], found [1, 3]");
    assertThat(header(fifth, "acclimate-origin-partition")).isEqualTo("1");
    assertThat(header(fifth, "acclimate-origin-offset")).isEqualTo("3");
    await().untilAsserted(() -> assertThat(count("acclimate.records.in")).isEqualTo(35));
    assertThat(count("acclimate.records.out")).isEqualTo(17);
    assertThat(dead("not-finite")).isEqualTo(3);
    assertThat(dead("model-failure")).isEqualTo(1);
  }

  private double count(String meter) {
    return fixture.registry.get(meter).counter().count();
  }

  private double dead(String reason) {
    return fixture.registry.get("acclimate.records.dead").tag("reason", reason).counter().count();
  }

  @Test
  void answersAllOnceThoughTheModelFailedOnTheirBatch() {
    AtomicBoolean thrown = new AtomicBoolean();
    FoldingModel model =
        new FoldingModel(
            first -> {
              if (first[0] == 5 && thrown.compareAndSet(false, true)) {
                throw new IllegalStateException("out of device memory, say");
              }
            });
    fixture.sendNumbered(0, 1, 13);
    fixture.start(fixture.config.withBatch(4, Duration.ofSeconds(20)), model);

    List<ConsumerRecord<String, byte[]>> all = fixture.out().settle(12);

    float state = FoldingModel.fold(0, 1, 2, 3, 4);
    List<List<Float>> expected = new ArrayList<>();
    IntStream.range(1, 5).forEach(i -> expected.add(List.of((float) i, 0f, 4f)));
    for (int i = 5; i < 9; i++) {
      // one by one, each from the state that the one before it left
      expected.add(List.of((float) i, state, 1f));
      state = FoldingModel.fold(state, i);
    }
    float last = state;
    IntStream.range(9, 13).forEach(i -> expected.add(List.of((float) i, last, 4f)));
    assertThat(all).extracting(StreamFixture::answer).containsExactlyElementsOf(expected);
  }

  @Test
  void underAGuardTheFrozenModelAnswersWhatTheAdaptedOneFailsOn() {
    fixture.sendNumbered(0, 1, 7);
    fixture.send(0, "bad", request("bad", FoldingModel.POISON), Map.of());
    fixture.sendNumbered(0, 7, 16);
    try (GuardedFoldingModel model =
            new GuardedFoldingModel(
                Float.NaN,
                Float.NaN,
                first -> {
                  if (first[0] == 8) {
                    throw new IllegalStateException("out of device memory, say");
                  }
                });
        StreamProcessor processor =
            fixture.start(fixture.config.withBatch(4, Duration.ofSeconds(20)), model)) {
      List<ConsumerRecord<String, byte[]>> all = fixture.out().settle(15);

      float state = FoldingModel.fold(0, 1, 2, 3, 4);
      List<List<Float>> expected = new ArrayList<>();
      IntStream.range(1, 5).forEach(i -> expected.add(List.of((float) i, 0f, 4f)));
      // beside the poison, which neither model can answer, one by one
      IntStream.range(5, 8)
          .forEach(i -> expected.add(List.of((float) i, GuardedFoldingModel.FROZEN, 1f)));
      IntStream.range(8, 12)
          .forEach(i -> expected.add(List.of((float) i, GuardedFoldingModel.FROZEN, 4f)));
      IntStream.range(12, 16).forEach(i -> expected.add(List.of((float) i, state, 4f)));
      assertThat(all).extracting(StreamFixture::answer).containsExactlyElementsOf(expected);
      assertThat(all)
          .extracting(answer -> header(answer, "acclimate-answer"))
          .containsExactlyElementsOf(
              expected.stream()
                  .map(e -> e.get(1) == GuardedFoldingModel.FROZEN ? "frozen" : "adapted")
                  .toList());
      assertThat(fixture.dead().settle(1))
          .singleElement()
          .satisfies(
              dead -> assertThat(header(dead, "acclimate-reason")).contains("model-failure"));
      assertThat(processor.health().ready()).isTrue();
      assertThat(count("acclimate.steps")).isEqualTo(2);
    }
  }

  @Test
  void goesOnWhereTheLastRunStopped() {
    fixture.sendNumbered(0, 0, 10);
    StreamProcessor first = fixture.start(fixture.config, new FoldingModel());
    TopicReader out = fixture.out();
    var unused = out.await(10);
    first.close();
    fixture.sendNumbered(0, 10, 20);
    fixture.start(fixture.config, new FoldingModel());

    assertThat(out.settle(20))
        .extracting(record -> answer(record).get(0).intValue())
        .containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
  }

  @Test
  void countsWhatItCommitted() {
    fixture.sendNumbered(0, 0, 8);
    fixture.start(fixture.config.withBatch(4, Duration.ofSeconds(20)), new FoldingModel());
    var unused = fixture.out().await(8);

    await().untilAsserted(() -> assertThat(count("acclimate.records.in")).isEqualTo(8));
    assertThat(count("acclimate.steps")).isEqualTo(2);
    assertThat(count("acclimate.steps.rejected")).isZero();
    assertThat(fixture.registry.get("acclimate.batch.size").summary().mean()).isEqualTo(4);
    assertThat(fixture.registry.get("acclimate.batch.latency").timer().count()).isEqualTo(2);
    assertThat(fixture.registry.get("acclimate.model.time").timer().count()).isEqualTo(2);
    assertThat(fixture.registry.get("acclimate.partitions").gauge().value()).isEqualTo(3);
    await()
        .untilAsserted(
            () ->
                assertThat(
                        fixture.registry.find("kafka.consumer.fetch.manager.records.lag").gauges())
                    .isNotEmpty());
  }

  @Test
  void isReadyWhenItHoldsPartitions() {
    StreamProcessor processor =
        StreamProcessor.create(fixture.config, new FoldingModel(), fixture.registry);
    assertThat(processor.health().ready()).isFalse();
    processor.start();
    try (processor) {
      await().until(() -> processor.health().ready());
      assertThat(processor.health().partitions()).isEqualTo(3);
    }
    assertThat(processor.health().ready()).isFalse();
    assertThat(processor.stopped()).isCompleted();
  }

  @Test
  void stopsBeforeItEverStarted() {
    StreamProcessor processor =
        StreamProcessor.create(fixture.config, new FoldingModel(), fixture.registry);

    processor.close();

    assertThat(processor.health().status()).isEqualTo(Status.STOPPED);
  }
}
