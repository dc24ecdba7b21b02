package dev.acclimate.streams;

import dev.acclimate.streams.journal.BatchBoundary;
import dev.acclimate.streams.journal.Checkpoint;
import dev.acclimate.streams.journal.Checkpoint.Mark;
import dev.acclimate.streams.journal.JournalEntry;
import dev.acclimate.streams.journal.JournalKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A lane as of its latest checkpoint and what came behind it, put together from the journal. */
final class LaneTail {
  private final String lane;
  private final Map<String, Mark> marks = new LinkedHashMap<>();
  private final List<BatchBoundary> boundaries = new ArrayList<>();
  private @Nullable Checkpoint checkpoint;
  private long sequence = -1;

  LaneTail(String lane) {
    this.lane = lane;
  }

  void add(JournalEntry entry) {
    JournalKey key = entry.key();
    if (!key.lane().equals(lane)) {
      return;
    }
    switch (key.kind()) {
      case CHECKPOINT -> {
        if (checkpoint == null) {
          Checkpoint found = entry.checkpoint();
          checkpoint = found;
          sequence = found.sequence();
          marks.putAll(found.streams());
        }
      }
      case STATE -> {
        // parked since the checkpoint: its batches up to here are in it
        Mark mark = marks.get(key.subject());
        long upTo = mark == null ? -1 : mark.upTo();
        long step = mark == null ? 0 : mark.step();
        for (BatchBoundary b : boundaries) {
          if (b.stream().equals(key.subject())) {
            upTo =
                Math.max(
                    upTo, b.runs().stream().mapToLong(r -> r.first() + r.count()).max().orElse(-1));
            step = b.step();
          }
        }
        boundaries.removeIf(b -> b.stream().equals(key.subject()));
        marks.put(key.subject(), new Mark(entry.offset(), step, upTo));
      }
      case BATCH -> {
        BatchBoundary boundary = entry.boundary();
        if (checkpoint != null && boundary.sequence() == sequence + 1) {
          boundaries.add(boundary);
          sequence = boundary.sequence();
        }
      }
      case CONTROL -> {}
    }
  }

  Checkpoint checkpoint() {
    if (checkpoint == null) {
      throw new IllegalStateException("no checkpoint of " + lane + " where a commit points to");
    }
    return checkpoint;
  }

  /** Batches committed in the lane, -1 before its checkpoint came. */
  long sequence() {
    return sequence;
  }

  /** The streams by key, each at its latest snapshot. */
  Map<String, Mark> marks() {
    return marks;
  }

  /** The batches since their streams' latest snapshots, in their order. */
  List<BatchBoundary> boundaries() {
    return boundaries;
  }
}
