package dev.acclimate.streams;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * The fold over one partition's log: the state as of the last commit, the batch in hand, and the
 * records that wait for the next batch. A batch never mixes partitions, so the state can follow its
 * partition to wherever the group moves it.
 */
final class PartitionFold implements AutoCloseable {
  static final String HEADER_LENGTH = "inference-header-content-length";

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

  /** The state as of an offset: what all records before it have made of the model. */
  record Mark(long offset, BatchModel.Snapshot state) {}

  private final TopicPartition partition;
  private final RequestDecoder decoder;
  private final InputBatch batch;
  private final int maxItems;
  private final Deque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();
  private final List<Item> items = new ArrayList<>();
  private Mark committed;
  private @Nullable Mark inDoubt;
  private long firstSeen = -1;
  private long firstNanos;
  private boolean full;

  PartitionFold(TopicPartition partition, RequestDecoder decoder, InputBatch batch, Mark start) {
    this.partition = partition;
    this.decoder = decoder;
    this.batch = batch;
    // records that are refused take no room: bound them too, or a flood of them never commits
    this.maxItems = 2 * batch.capacity() + 64;
    this.committed = start;
  }

  TopicPartition partition() {
    return partition;
  }

  InputBatch batch() {
    return batch;
  }

  List<Item> items() {
    return items;
  }

  Mark committed() {
    return committed;
  }

  void enqueue(ConsumerRecord<byte[], byte[]> record) {
    if (firstSeen < 0) {
      firstSeen = record.offset();
    }
    waiting.add(record);
  }

  boolean hasWaiting() {
    return !waiting.isEmpty();
  }

  /** Decodes waiting records into the batch until it is full or none is left. */
  void fill(long nanos) {
    while (!full) {
      ConsumerRecord<byte[], byte[]> record = waiting.peek();
      if (record == null) {
        return;
      }
      Optional<Item> item = decoded(record);
      if (item.isEmpty()) {
        full = true;
        return;
      }
      waiting.remove();
      if (items.isEmpty()) {
        firstNanos = nanos;
      }
      items.add(item.get());
      full = batch.room() == 0 || items.size() >= maxItems;
    }
  }

  private Optional<Item> decoded(ConsumerRecord<byte[], byte[]> record) {
    int first = batch.samples();
    Header length = record.headers().lastHeader(HEADER_LENGTH);
    try {
      return decoder
          .decode(record.value(), length == null ? null : RecordHeaders.text(length), batch)
          .map(request -> new Item.Accepted(record, request, first));
    } catch (InvalidRecordException e) {
      return Optional.of(new Item.Refused(record, e));
    }
  }

  /** True when the batch in hand should run: it is full, or its first record has waited enough. */
  boolean isDue(long nanos, Duration maxDelay) {
    return !items.isEmpty() && (full || nanos - firstNanos >= maxDelay.toNanos());
  }

  boolean hasBatch() {
    return !items.isEmpty();
  }

  long firstNanos() {
    return firstNanos;
  }

  /** The offset behind the batch in hand. */
  long nextOffset() {
    return items.get(items.size() - 1).record().offset() + 1;
  }

  /** Notes the mark that the commit about to be tried leads to. */
  void attempt(BatchModel.Snapshot state) {
    inDoubt = new Mark(nextOffset(), state);
  }

  /** The commit that was tried went through. */
  void commit() {
    if (inDoubt != null) {
      committed = inDoubt;
      inDoubt = null;
    }
    clearBatch();
  }

  /**
   * Drops everything in hand and settles on the mark at {@code offset}: the last known one, or the
   * one in doubt when its commit did go through after all.
   *
   * @return false when neither lies there: another member of the group went on with the partition
   */
  boolean settle(long offset) {
    discard();
    Mark doubtful = inDoubt;
    inDoubt = null;
    if (doubtful != null && doubtful.offset() == offset) {
      committed = doubtful;
    }
    return committed.offset() == offset;
  }

  /** Sets where the fold starts, before its first record is looked at. */
  void start(Mark mark) {
    committed = mark;
  }

  /** Starts the fold anew from {@code mark}. */
  void reset(Mark mark) {
    discard();
    inDoubt = null;
    committed = mark;
  }

  /** The first record that was ever seen here, for a partition without a committed offset. */
  long firstSeen() {
    return firstSeen;
  }

  /** Drops the batch in hand and the waiting records, which a seek will bring again. */
  void discard() {
    waiting.clear();
    clearBatch();
  }

  private void clearBatch() {
    items.clear();
    batch.clear();
    full = false;
  }

  @Override
  public void close() {
    discard();
    batch.close();
  }
}
