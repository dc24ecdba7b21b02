package dev.acclimate.streams;

import dev.acclimate.streams.journal.BatchBoundary;
import dev.acclimate.streams.journal.Checkpoint;
import dev.acclimate.streams.journal.Checkpoint.Mark;
import dev.acclimate.streams.journal.JournalEntry;
import dev.acclimate.streams.journal.JournalKey;
import dev.acclimate.streams.journal.JournalPointer;
import dev.acclimate.streams.journal.JournalReader;
import dev.acclimate.streams.journal.JournalWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A group's journal in the state topic, lane by lane. The way in is the pointer that lies with the
 * committed offset: to the latest checkpoint, behind which come the snapshots and batch boundaries
 * since then.
 */
final class StateJournal {
  private static final Logger log = LoggerFactory.getLogger(StateJournal.class);

  private final JournalReader reader;
  private final String topic;
  private final String group;
  private int partitions;

  /**
   * @param consumer reads committed records without a group; the caller's to close
   */
  StateJournal(Consumer<byte[], byte[]> consumer, String topic, String group) {
    this.reader = new JournalReader(consumer, topic, group);
    this.topic = topic;
    this.group = group;
  }

  /** The partition of the state topic where a lane's journal lies. */
  int partitionOf(Lane lane) {
    if (partitions == 0) {
      partitions = reader.partitions();
    }
    return lane.partitions().iterator().next().partition() % partitions;
  }

  JournalWriter writer(Lane lane) {
    return new JournalWriter(topic, partitionOf(lane), group, lane.id());
  }

  /**
   * What the journal knows of a lane.
   *
   * @param snapshot the lane's place, its streams parked at their latest snapshots
   * @param replay the batches since then, to be run again in this order
   */
  record Recovery(LaneSnapshot snapshot, List<BatchBoundary> replay) {}

  /** Reads a lane's place as of the commit that {@code pointer} lies with. */
  Recovery recover(Lane lane, JournalPointer pointer, String variant) {
    LaneTail tail = new LaneTail(lane.id());
    reader.await(
        partitionOf(lane),
        pointer.checkpoint(),
        entry -> {
          tail.add(entry);
          return tail.sequence() < pointer.sequence();
        });
    Checkpoint checkpoint = tail.checkpoint();
    Map<String, StreamState> streams = new LinkedHashMap<>();
    List<BatchBoundary> replay = new ArrayList<>();
    Map<String, Long> variants = new LinkedHashMap<>(checkpoint.variants());
    boolean ours = checkpoint.variant().equals(variant);
    if (ours) {
      tail.marks().forEach((name, mark) -> streams.put(name, StreamState.of(name, mark)));
      replay.addAll(tail.boundaries());
    } else {
      variants.put(checkpoint.variant(), pointer.checkpoint());
      Long earlier = variants.remove(variant);
      marksAt(lane, earlier).forEach((name, mark) -> streams.put(name, StreamState.of(name, mark)));
      log.info(
          "{}: from {} to {}, whose {} states of before go on",
          lane.id(),
          checkpoint.variant(),
          variant,
          streams.size());
    }
    tail.marks()
        .forEach(
            (name, mark) ->
                streams.computeIfAbsent(name, StreamState::new).answeredUpTo(mark.upTo()));
    for (BatchBoundary boundary : tail.boundaries()) {
      long end = boundary.runs().stream().mapToLong(r -> r.first() + r.count()).max().orElse(-1);
      streams.computeIfAbsent(boundary.stream(), StreamState::new).answeredUpTo(end);
    }
    return new Recovery(
        new LaneSnapshot(
            pointer.sequence(),
            // what comes next must not be taken for the other variant's: begins with a checkpoint
            ours ? pointer.checkpoint() : -1,
            checkpoint.control(),
            variants,
            List.copyOf(streams.values())),
        replay);
  }

  /**
   * Reads a lane's latest states where no pointer leads to them: the group's offsets were reset or
   * have expired. What was answered is not known then.
   */
  LaneSnapshot search(Lane lane, JournalPointer pointer, String variant) {
    Map<String, Mark> marks = new LinkedHashMap<>();
    Map<String, Long> variants = new LinkedHashMap<>();
    long[] sequence = new long[1];
    long[] control = {-1};
    reader.read(
        partitionOf(lane),
        0,
        entry -> {
          JournalKey key = entry.key();
          if (!key.lane().equals(lane.id())) {
            return true;
          }
          switch (key.kind()) {
            case CHECKPOINT -> {
              Checkpoint checkpoint = entry.checkpoint();
              variants.put(checkpoint.variant(), entry.offset());
              sequence[0] = Math.max(sequence[0], checkpoint.sequence());
              control[0] = Math.max(control[0], checkpoint.control());
              if (checkpoint.variant().equals(variant)) {
                marks.clear();
                checkpoint
                    .streams()
                    .forEach((name, m) -> marks.put(name, new Mark(m.snapshot(), m.step(), -1)));
              }
            }
            case STATE -> {
              if (key.variant().equals(variant)) {
                marks.put(key.subject(), new Mark(entry.offset(), 0, -1));
              }
            }
            case BATCH -> sequence[0] = Math.max(sequence[0], entry.boundary().sequence());
            case CONTROL -> {}
          }
          return true;
        });
    variants.remove(variant);
    List<StreamState> streams = new ArrayList<>();
    marks.forEach((name, mark) -> streams.add(StreamState.of(name, mark)));
    long last = pointer.sequence() > 0 ? pointer.sequence() : sequence[0];
    return new LaneSnapshot(last, -1, control[0], variants, streams);
  }

  /** The streams of another variant as of its last checkpoint, none where it has none. */
  Map<String, Mark> marksAt(Lane lane, @Nullable Long checkpoint) {
    if (checkpoint == null) {
      return Map.of();
    }
    Map<String, Mark> marks = new LinkedHashMap<>();
    reader
        .at(partitionOf(lane), checkpoint)
        .map(JournalEntry::checkpoint)
        .ifPresent(
            found ->
                found
                    .streams()
                    .forEach((name, m) -> marks.put(name, new Mark(m.snapshot(), m.step(), -1))));
    return marks;
  }

  /** Reads a parked state. */
  BatchModel.State bringBack(Lane lane, StreamState state, BatchModel model) {
    String name = "state of stream " + JournalKey.display(state.stream()) + " of " + lane.id();
    Optional<JournalEntry> entry = reader.at(partitionOf(lane), state.snapshot());
    if (entry.isEmpty() || entry.get().key().kind() != JournalKey.Kind.STATE) {
      throw new IllegalStateException(
          name
              + ": expected a snapshot at offset "
              + state.snapshot()
              + " of the state topic, found none: is its cleanup.policy compact?");
    }
    return model.parseState(name, entry.get().value());
  }
}
