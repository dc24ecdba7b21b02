package dev.acclimate.streams;

import dev.acclimate.streams.journal.BatchBoundary;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/** Records of one stream on their way through the model together, in the order of the log. */
final class MicroBatch {

  /** A record in hand: a request in the batch, or the reason why it is not there. */
  sealed interface Item {
    ConsumerRecord<byte[], byte[]> record();

    /** A request whose samples start at {@code first} in the batch. */
    record Accepted(ConsumerRecord<byte[], byte[]> record, InferenceRequest request, int first)
        implements Item {}

    /** A record bound for the dead-letter topic. */
    record Refused(ConsumerRecord<byte[], byte[]> record, InvalidRecordException why)
        implements Item {}
  }

  private final Lane lane;
  private final String stream;
  private final InputBatch samples;
  private final int maxItems;
  private final List<Item> items = new ArrayList<>();
  private final Map<Integer, Long> firstOffsets = new HashMap<>(2);
  private final long firstNanos;
  private final long firstTimestamp;
  private final long firstOffset;
  private final long bytesBefore;
  private final @Nullable Lesson lesson;
  private long bytes;

  /**
   * @param first the record that opens it, not yet added
   * @param nanos now
   * @param bytesBefore bytes of the lane's log that were read before
   */
  MicroBatch(
      Lane lane,
      String stream,
      InputBatch samples,
      ConsumerRecord<byte[], byte[]> first,
      long nanos,
      long bytesBefore) {
    this.lane = lane;
    this.stream = stream;
    this.samples = samples;
    // records that are refused take no room: bound them too, or a flood of them never commits
    this.maxItems = 2 * samples.capacity() + 64;
    this.firstNanos = nanos;
    this.firstTimestamp = first.timestamp();
    this.firstOffset = first.offset();
    this.bytesBefore = bytesBefore;
    this.lesson = null;
  }

  /** A step to be taken between two batches: no records, and nothing to answer. */
  MicroBatch(Lane lane, String stream, Lesson lesson, long nanos) {
    this.lane = lane;
    this.stream = stream;
    this.samples = lesson.samples();
    this.lesson = lesson;
    this.maxItems = 0;
    this.firstNanos = nanos;
    this.firstTimestamp = Long.MAX_VALUE;
    this.firstOffset = Long.MAX_VALUE;
    this.bytesBefore = 0;
  }

  /**
   * Decodes a record into the batch.
   *
   * @return false when it does not fit any more
   */
  boolean add(ConsumerRecord<byte[], byte[]> record, RequestDecoder decoder) {
    int first = samples.samples();
    Header length = record.headers().lastHeader(RecordHeaders.HEADER_LENGTH);
    Item item;
    try {
      var request =
          decoder.decode(
              record.value(), length == null ? null : RecordHeaders.text(length), samples);
      if (request.isEmpty()) {
        return false;
      }
      item = new Item.Accepted(record, request.get(), first);
    } catch (InvalidRecordException e) {
      item = new Item.Refused(record, e);
    }
    items.add(item);
    bytes += Math.max(0, record.serializedValueSize());
    firstOffsets.putIfAbsent(record.partition(), record.offset());
    return true;
  }

  boolean isFull() {
    return samples.room() == 0 || items.size() >= maxItems;
  }

  /** What is to be learnt; null for a batch that is to be answered. */
  @Nullable Lesson lesson() {
    return lesson;
  }

  Lane lane() {
    return lane;
  }

  String stream() {
    return stream;
  }

  InputBatch samples() {
    return samples;
  }

  List<Item> items() {
    return items;
  }

  /** When its first record came, by {@link System#nanoTime}. */
  long firstNanos() {
    return firstNanos;
  }

  /** Its first record's timestamp in the log. */
  long firstTimestamp() {
    return firstTimestamp;
  }

  /** Its first record's offset, in whichever partition. */
  long firstOffset() {
    return firstOffset;
  }

  long bytesBefore() {
    return bytesBefore;
  }

  /** Bytes of its records' values. */
  long bytes() {
    return bytes;
  }

  /** Its first record's offset in a partition, {@code none} where it has no record of it. */
  long firstOffset(int partition, long none) {
    return firstOffsets.getOrDefault(partition, none);
  }

  /** The offset behind its last record, -1 where it has none. */
  long endOffset() {
    return items.isEmpty() ? -1 : items.get(items.size() - 1).record().offset() + 1;
  }

  List<BatchBoundary.Run> runs() {
    BatchBoundary.Runs runs = new BatchBoundary.Runs();
    items.forEach(item -> runs.add(item.record().partition(), item.record().offset()));
    return runs.toList();
  }
}
