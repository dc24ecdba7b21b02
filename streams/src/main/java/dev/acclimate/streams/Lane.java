package dev.acclimate.streams;

import dev.acclimate.streams.journal.JournalKey;
import dev.acclimate.streams.journal.JournalPointer;
import dev.acclimate.streams.journal.SnapshotPolicy;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * A log that states are folded over, and how far the fold is: one partition of the topic in, or all
 * of them merged by timestamp where the model as a whole has one state.
 *
 * <p>Batches are a function of the log. A stream's batch closes when it is full, when the next
 * record would not fit, or when the lane reads on to a record that came {@code delay} or more after
 * the batch's first one by the log's timestamps, or lies {@value #WINDOW_RECORDS} records or
 * {@value #WINDOW_BYTES} bytes behind it. Only at the end of the log, where no later record tells
 * the time, the clock does. So whoever reads the log again, however fast, finds the same batches,
 * and a quiet stream waits no longer than a busy one.
 */
final class Lane {
  static final int WINDOW_RECORDS = 16_384;
  static final long WINDOW_BYTES = 64L << 20;

  private static final Comparator<ConsumerRecord<byte[], byte[]>> BY_TIME =
      Comparator.<ConsumerRecord<byte[], byte[]>>comparingLong(ConsumerRecord::timestamp)
          .thenComparingInt(ConsumerRecord::partition);

  private final String id;
  private final Scope scope;
  private final StreamConfig.Batching batching;
  private final RequestDecoder decoder;
  private final InputBatchPool pool;
  private final SnapshotPolicy snapshots;
  private final Map<TopicPartition, Deque<ConsumerRecord<byte[], byte[]>>> arrived =
      new LinkedHashMap<>();
  private final Map<TopicPartition, Long> positions = new HashMap<>();
  private final Map<TopicPartition, Long> firstSeen = new HashMap<>();
  private final Map<String, MicroBatch> open = new LinkedHashMap<>();
  private final PriorityQueue<MicroBatch> deadlines =
      new PriorityQueue<>(
          Comparator.comparingLong(MicroBatch::firstTimestamp)
              .thenComparingLong(MicroBatch::firstOffset));
  private final Set<MicroBatch> uncommitted = new LinkedHashSet<>();
  private final Map<String, StreamState> streams = new LinkedHashMap<>();
  private Map<String, Long> variants = Map.of();
  private @Nullable LaneLessons lessons;
  private long lastTimestamp = -1;
  private long bytesRead;
  private long sequence;
  private long checkpoint = -1;
  private long control = -1;
  private boolean lost;

  Lane(
      String id,
      List<TopicPartition> partitions,
      StreamConfig config,
      RequestDecoder decoder,
      InputBatchPool pool) {
    this.id = id;
    this.scope = config.states().scope();
    this.batching = config.batching();
    this.decoder = decoder;
    this.pool = pool;
    this.snapshots = new SnapshotPolicy(config.states().snapshotEvery());
    partitions.forEach(partition -> arrived.put(partition, new ArrayDeque<>()));
  }

  String id() {
    return id;
  }

  Set<TopicPartition> partitions() {
    return arrived.keySet();
  }

  /** From now on labels of its requests become steps. */
  void learn(LaneLessons by) {
    lessons = by;
  }

  /** What makes steps of labels; null where nothing is learnt from them. */
  @Nullable LaneLessons lessons() {
    return lessons;
  }

  /** The next step to be taken, null where none is due. */
  @Nullable MicroBatch nextLesson(long nanos, boolean atEnd) {
    Lesson lesson = lessons == null ? null : lessons.next(nanos, atEnd);
    return lesson == null ? null : new MicroBatch(this, JournalKey.WHOLE_LANE, lesson, nanos);
  }

  /** True when all requests up to a time in the log are read, and the answers committed. */
  boolean hasAnsweredBefore(long timestamp, boolean atEnd) {
    return (atEnd || lastTimestamp > timestamp)
        && uncommitted.stream().allMatch(batch -> batch.firstTimestamp() > timestamp);
  }

  /** Takes a record that was read; {@link #gather} makes batches of it. */
  void arrive(ConsumerRecord<byte[], byte[]> record) {
    TopicPartition partition = new TopicPartition(record.topic(), record.partition());
    firstSeen.putIfAbsent(partition, record.offset());
    Deque<ConsumerRecord<byte[], byte[]>> queue = arrived.get(partition);
    if (queue != null) {
      queue.add(record);
    }
  }

  /** True when records of a partition wait to be merged with those of others. */
  boolean hasArrivals(TopicPartition partition) {
    Deque<ConsumerRecord<byte[], byte[]>> queue = arrived.get(partition);
    return queue != null && !queue.isEmpty();
  }

  /**
   * Moves what arrived into batches.
   *
   * @param atEnd tells whether a partition has been read to its end
   * @param closed takes the batches that are to run, in order
   */
  void gather(long nanos, Predicate<TopicPartition> atEnd, Consumer<MicroBatch> closed) {
    for (ConsumerRecord<byte[], byte[]> next = earliest(atEnd);
        next != null;
        next = earliest(atEnd)) {
      take(next, nanos, closed);
    }
    if (!open.isEmpty() && isAtEnd(atEnd)) {
      closeWhile(batch -> nanos - batch.firstNanos() >= batching.delay().toNanos(), closed);
    }
  }

  boolean isAtEnd(Predicate<TopicPartition> atEnd) {
    return arrived.entrySet().stream()
        .allMatch(entry -> entry.getValue().isEmpty() && atEnd.test(entry.getKey()));
  }

  /** The next record in the order of time; null while an earlier one may yet come. */
  private @Nullable ConsumerRecord<byte[], byte[]> earliest(Predicate<TopicPartition> atEnd) {
    ConsumerRecord<byte[], byte[]> earliest = null;
    for (Map.Entry<TopicPartition, Deque<ConsumerRecord<byte[], byte[]>>> queue :
        arrived.entrySet()) {
      ConsumerRecord<byte[], byte[]> head = queue.getValue().peek();
      if (head == null) {
        if (arrived.size() > 1 && !atEnd.test(queue.getKey())) {
          return null;
        }
      } else if (earliest == null || BY_TIME.compare(head, earliest) < 0) {
        earliest = head;
      }
    }
    if (earliest != null) {
      Deque<ConsumerRecord<byte[], byte[]>> queue =
          arrived.get(new TopicPartition(earliest.topic(), earliest.partition()));
      if (queue != null) {
        queue.remove();
      }
    }
    return earliest;
  }

  private void take(
      ConsumerRecord<byte[], byte[]> record, long nanos, Consumer<MicroBatch> closed) {
    positions.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
    lastTimestamp = record.timestamp();
    closeOutOfWindow(record, closed);
    closeOverdue(record.timestamp(), closed);
    String stream = scope == Scope.STREAM ? JournalKey.stream(record.key()) : JournalKey.WHOLE_LANE;
    if (!isAnswered(stream, record)) {
      add(record, stream, nanos, closed);
    }
    bytesRead += Math.max(0, record.serializedValueSize());
  }

  /** Streams run ahead of one another: of what is read again, some is answered already. */
  private boolean isAnswered(String stream, ConsumerRecord<byte[], byte[]> record) {
    StreamState state = scope == Scope.STREAM ? streams.get(stream) : null;
    return state != null && record.offset() < state.upTo();
  }

  private void add(
      ConsumerRecord<byte[], byte[]> record,
      String stream,
      long nanos,
      Consumer<MicroBatch> closed) {
    MicroBatch batch = open.get(stream);
    if (batch != null && !batch.add(record, decoder)) {
      close(batch, closed);
      batch = null;
    } else if (batch != null) {
      closeIfFull(batch, closed);
      return;
    }
    batch = new MicroBatch(this, stream, pool.take(), record, nanos, bytesRead);
    if (!batch.add(record, decoder)) {
      throw new IllegalStateException("a record that fits no batch: offset " + record.offset());
    }
    open.put(stream, batch);
    deadlines.add(batch);
    uncommitted.add(batch);
    closeIfFull(batch, closed);
  }

  private void closeIfFull(MicroBatch batch, Consumer<MicroBatch> closed) {
    if (batch.isFull()) {
      close(batch, closed);
    }
  }

  private void close(MicroBatch batch, Consumer<MicroBatch> closed) {
    open.remove(batch.stream());
    closed.accept(batch);
  }

  private void closeOutOfWindow(
      ConsumerRecord<byte[], byte[]> record, Consumer<MicroBatch> closed) {
    if (scope == Scope.STREAM) {
      closeWhile(
          batch ->
              record.offset() - batch.firstOffset(record.partition(), record.offset())
                      >= WINDOW_RECORDS
                  || bytesRead - batch.bytesBefore() >= WINDOW_BYTES,
          closed);
    }
  }

  /** Closes batches from the oldest on. */
  private void closeWhile(Predicate<MicroBatch> condition, Consumer<MicroBatch> closed) {
    for (Iterator<MicroBatch> oldest = open.values().iterator(); oldest.hasNext(); ) {
      MicroBatch batch = oldest.next();
      if (!condition.test(batch)) {
        return;
      }
      oldest.remove();
      closed.accept(batch);
    }
  }

  private void closeOverdue(long timestamp, Consumer<MicroBatch> closed) {
    while (!deadlines.isEmpty()) {
      MicroBatch batch = deadlines.peek();
      boolean overdue = timestamp - batch.firstTimestamp() >= batching.delay().toMillis();
      boolean closedBefore = open.get(batch.stream()) != batch;
      if (!overdue && !closedBefore) {
        return;
      }
      deadlines.remove();
      if (!closedBefore) {
        close(batch, closed);
      }
    }
  }

  /** Closes all open batches, as if the log ended here. */
  void closeAll(Consumer<MicroBatch> closed) {
    closeWhile(batch -> true, closed);
  }

  /**
   * Tells where a partition goes on of which nothing has been taken yet, so that it can be
   * committed.
   *
   * @param position where reading it goes on
   */
  void standsAt(TopicPartition partition, long position) {
    Deque<ConsumerRecord<byte[], byte[]>> queue = arrived.get(partition);
    ConsumerRecord<byte[], byte[]> head = queue == null ? null : queue.peek();
    positions.putIfAbsent(partition, head == null ? position : head.offset());
  }

  /** When the oldest open batch came, empty where there is none. */
  OptionalLong oldestNanos() {
    return open.values().stream().limit(1).mapToLong(MicroBatch::firstNanos).findFirst();
  }

  /** Where each partition's committed offset goes when all but the batches before this are open. */
  Map<TopicPartition, OffsetAndMetadata> offsetsBehind(
      @Nullable MicroBatch committing, JournalPointer pointer) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (TopicPartition partition : partitions()) {
      long low = positions.getOrDefault(partition, -1L);
      for (MicroBatch batch : uncommitted) {
        if (batch != committing) {
          low = Math.min(low, batch.firstOffset(partition.partition(), low));
          if (scope != Scope.MODEL) {
            break; // batches are opened in the order of the partition's log
          }
        }
      }
      if (low >= 0) {
        offsets.put(partition, new OffsetAndMetadata(low, pointer.text()));
      }
    }
    if (lessons != null) {
      offsets.putAll(lessons.offsetsBehind(committing == null ? null : committing.lesson()));
    }
    return offsets;
  }

  /** A batch is committed. */
  void committed(MicroBatch batch, long batchSequence) {
    uncommitted.remove(batch);
    sequence = batchSequence;
    if (batch.lesson() != null) {
      Objects.requireNonNull(lessons).committed(batch.lesson());
      return;
    }
    if (lessons != null) {
      lessons.answered(batch);
    }
    if (scope == Scope.STREAM) {
      stream(batch.stream()).answeredUpTo(batch.endOffset());
    }
    release(batch);
  }

  private void release(MicroBatch batch) {
    pool.give(batch.samples());
  }

  /** The state of a stream, made when there is none yet. */
  StreamState stream(String name) {
    return streams.computeIfAbsent(name, StreamState::new);
  }

  Map<String, StreamState> streams() {
    return streams;
  }

  /** Forgets streams that are as they started and have nothing answered ahead of the others. */
  void forgetUntouched() {
    long low = uncommitted.stream().mapToLong(MicroBatch::firstOffset).min().orElse(Long.MAX_VALUE);
    for (long position : positions.values()) {
      low = Math.min(low, position);
    }
    long committed = low;
    streams.values().removeIf(s -> s.isInitial() && !s.isPinned() && s.upTo() <= committed);
  }

  /** Batches committed. */
  long sequence() {
    return sequence;
  }

  /** The journal offset of the last checkpoint, -1 where there is none. */
  long checkpoint() {
    return checkpoint;
  }

  void checkpointAt(long offset) {
    checkpoint = offset;
    snapshots.taken();
  }

  SnapshotPolicy snapshots() {
    return snapshots;
  }

  /** Where other variants' last checkpoints lie. */
  Map<String, Long> variants() {
    return variants;
  }

  /** The journal offset up to which controls have been obeyed, -1 where none is known. */
  long control() {
    return control;
  }

  void obeyedControlsUpTo(long offset) {
    control = offset;
  }

  /** Takes the place in the fold that the journal tells of. */
  void restore(LaneSnapshot snapshot) {
    sequence = snapshot.sequence();
    checkpoint = snapshot.checkpoint();
    control = snapshot.control();
    variants = snapshot.variants();
    streams.clear();
    snapshot.streams().forEach(state -> streams.put(state.stream(), state));
  }

  /**
   * Drops all that is not committed; the records will be read again.
   *
   * @param spared a batch whose samples are in use still
   */
  void rewind(Predicate<MicroBatch> spared) {
    arrived.values().forEach(Deque::clear);
    positions.clear();
    open.clear();
    deadlines.clear();
    uncommitted.stream().filter(spared.negate()).forEach(this::release);
    uncommitted.clear();
    lastTimestamp = -1;
    if (lessons != null) {
      lessons.rewind();
    }
  }

  /** The first record that was ever seen of a partition, for one without a committed offset. */
  OptionalLong firstSeen(TopicPartition partition) {
    Long first = firstSeen.get(partition);
    return first == null ? OptionalLong.empty() : OptionalLong.of(first);
  }

  /** The group took it away: what runs for it comes to nothing. */
  void lose() {
    lost = true;
  }

  boolean isLost() {
    return lost;
  }
}
