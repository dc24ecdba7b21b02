package dev.acclimate.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.journal.JournalPointer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

/** How a log becomes batches. */
class LaneTest {
  private static final TopicPartition FIRST = new TopicPartition("in", 0);
  private static final TopicPartition SECOND = new TopicPartition("in", 1);
  private static final TensorInfo INPUT =
      new TensorInfo(
          "x", ElementType.FP32, List.of(Dimension.symbolic("batch"), Dimension.fixed(1)));
  private static final int MAX = 3;
  private static final Duration DELAY = Duration.ofMillis(50);

  private final RequestDecoder decoder = new RequestDecoder(List.of(INPUT), List.of(), 1000);
  private final InputBatchPool pool = new InputBatchPool(List.of(INPUT), MAX);

  private Lane lane(Scope scope, TopicPartition... partitions) {
    StreamConfig config =
        StreamConfig.of("none", "g", new StreamConfig.Topics("in", "out", "dead", null, "state"))
            .withBatch(MAX, DELAY)
            .withStates(new StreamConfig.StateKeeping(scope, 0, 1 << 20));
    return new Lane("lane", List.of(partitions), config, decoder, pool);
  }

  private static ConsumerRecord<byte[], byte[]> record(
      TopicPartition partition, long offset, String key, long timestamp, int samples) {
    float[] values = new float[samples];
    byte[] value =
        ("{\"id\":\"i\",\"inputs\":[{\"name\":\"x\",\"shape\":["
                + samples
                + ",1],\"datatype\":\"FP32\",\"data\":"
                + Arrays.toString(values)
                + "}]}")
            .getBytes(UTF_8);
    return new ConsumerRecord<>(
        partition.topic(),
        partition.partition(),
        offset,
        timestamp,
        TimestampType.CREATE_TIME,
        1,
        value.length,
        key.getBytes(UTF_8),
        value,
        new RecordHeaders(),
        Optional.empty());
  }

  /** A batch as its stream and its records' places. */
  private static String told(MicroBatch batch) {
    List<String> offsets = new ArrayList<>();
    for (MicroBatch.Item item : batch.items()) {
      offsets.add(item.record().partition() + ":" + item.record().offset());
    }
    return batch.stream() + offsets;
  }

  private static List<ConsumerRecord<byte[], byte[]>> log(Random random, int length, int keys) {
    List<ConsumerRecord<byte[], byte[]>> log = new ArrayList<>();
    long offset = 0;
    long time = 1000;
    for (int i = 0; i < length; i++) {
      time += random.nextInt(20) - (random.nextInt(10) == 0 ? 30 : 0);
      offset += 1 + random.nextInt(2);
      int samples = 1 + random.nextInt(MAX + 1); // one more than fits: a dead letter
      log.add(record(FIRST, offset, "k" + random.nextInt(keys), time, samples));
    }
    return log;
  }

  private static List<String> undisturbed(Lane lane, List<ConsumerRecord<byte[], byte[]>> log) {
    List<String> batches = new ArrayList<>();
    log.forEach(lane::arrive);
    lane.gather(0, partition -> false, batch -> batches.add(told(batch)));
    return batches;
  }

  @Property(tries = 300, seed = "17")
  void batchesAreTheSameHoweverTheLogIsReadAndWhereverReadingStartsAgain(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 6) int keys) {
    for (Scope scope : List.of(Scope.STREAM, Scope.PARTITION)) {
      List<ConsumerRecord<byte[], byte[]>> log = log(random, 60, keys);
      List<String> expected = undisturbed(lane(scope, FIRST), log);

      Lane lane = lane(scope, FIRST);
      List<String> committed = new ArrayList<>();
      long position = 0;
      int guard = 0;
      while (committed.size() < expected.size()) {
        assertThat(guard++).isLessThan(10_000);
        List<MicroBatch> due = new ArrayList<>();
        long from = position;
        int chunk = 1 + random.nextInt(log.size());
        log.stream().filter(r -> r.offset() >= from).limit(chunk).forEach(lane::arrive);
        lane.gather(0, partition -> false, due::add);
        int commits = random.nextInt(due.size() + 1);
        for (MicroBatch batch : due.subList(0, commits)) {
          Map<TopicPartition, OffsetAndMetadata> offsets =
              lane.offsetsBehind(batch, new JournalPointer(lane.sequence() + 1, 0));
          committed.add(told(batch));
          lane.committed(batch, lane.sequence() + 1);
          OffsetAndMetadata at = offsets.get(FIRST);
          position = at == null ? position : at.offset();
        }
        // killed: what is not committed is read again
        lane.rewind(batch -> false);
      }
      assertThat(committed).containsExactlyElementsOf(expected);
    }
  }

  @Test
  void aBatchClosesWhenTheLogSaysThatItHasWaitedEnough() {
    Lane lane = lane(Scope.STREAM, FIRST);
    List<ConsumerRecord<byte[], byte[]>> log =
        List.of(
            record(FIRST, 0, "quiet", 100, 1),
            record(FIRST, 1, "busy", 120, 1),
            record(FIRST, 2, "busy", 149, 1),
            record(FIRST, 3, "busy", 150, 1),
            record(FIRST, 4, "busy", 199, 1));

    assertThat(undisturbed(lane, log)).containsExactly("=quiet[0:0]", "=busy[0:1, 0:2, 0:3]");
  }

  @Test
  void theClockClosesBatchesOnlyAtTheEndOfTheLog() {
    Lane lane = lane(Scope.PARTITION, FIRST);
    List<String> batches = new ArrayList<>();
    lane.arrive(record(FIRST, 0, "k", 100, 1));

    lane.gather(0, partition -> false, batch -> batches.add(told(batch)));
    lane.gather(DELAY.toNanos() * 100, partition -> false, batch -> batches.add(told(batch)));
    assertThat(batches).isEmpty();

    lane.gather(DELAY.toNanos(), partition -> true, batch -> batches.add(told(batch)));
    assertThat(batches).containsExactly("[0:0]");
  }

  @Test
  void aQuietStreamClosesThoughTimeStandsStill() {
    Lane lane = lane(Scope.STREAM, FIRST);
    List<ConsumerRecord<byte[], byte[]>> log = new ArrayList<>();
    log.add(record(FIRST, 0, "quiet", 100, 1));
    log.add(record(FIRST, Lane.WINDOW_RECORDS - 1, "busy", 100, 1));
    assertThat(undisturbed(lane, log)).isEmpty();
    lane.arrive(record(FIRST, Lane.WINDOW_RECORDS, "busy", 100, 1));
    List<String> batches = new ArrayList<>();

    lane.gather(0, partition -> false, batch -> batches.add(told(batch)));

    assertThat(batches).containsExactly("=quiet[0:0]");
  }

  @Test
  void partitionsOfOneModelAreMergedByTime() {
    Lane lane = lane(Scope.MODEL, FIRST, SECOND);
    List<String> batches = new ArrayList<>();
    lane.arrive(record(FIRST, 0, "a", 100, 1));
    lane.arrive(record(FIRST, 1, "a", 110, 1));

    lane.gather(0, partition -> false, batch -> batches.add(told(batch)));
    assertThat(batches).as("what the other partition holds is not known").isEmpty();

    lane.arrive(record(SECOND, 7, "b", 105, 1));
    lane.arrive(record(SECOND, 8, "b", 106, 1));
    lane.gather(0, partition -> false, batch -> batches.add(told(batch)));

    assertThat(batches).containsExactly("[0:0, 1:7, 1:8]");
    lane.gather(0, partition -> true, batch -> batches.add(told(batch)));
    assertThat(lane.offsetsBehind(null, new JournalPointer(0, 0)))
        .containsEntry(FIRST, new OffsetAndMetadata(0, new JournalPointer(0, 0).text()))
        .containsEntry(SECOND, new OffsetAndMetadata(7, new JournalPointer(0, 0).text()));
  }
}
