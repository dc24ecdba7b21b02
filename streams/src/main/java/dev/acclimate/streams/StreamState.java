package dev.acclimate.streams;

import dev.acclimate.streams.journal.Checkpoint;
import org.jspecify.annotations.Nullable;

/**
 * A stream's state as of the last commit. It is in memory, or parked in the journal, or the initial
 * one, which takes no memory.
 */
final class StreamState {
  private final String stream;
  private BatchModel.@Nullable State resident;
  private long snapshot = Checkpoint.INITIAL;
  private long step;
  private long upTo = -1;
  private boolean dirty;
  private int pins;

  StreamState(String stream) {
    this.stream = stream;
  }

  static StreamState of(String stream, Checkpoint.Mark mark) {
    StreamState state = new StreamState(stream);
    state.snapshot = mark.snapshot();
    state.step = mark.step();
    state.upTo = mark.upTo();
    return state;
  }

  String stream() {
    return stream;
  }

  BatchModel.@Nullable State resident() {
    return resident;
  }

  boolean isParked() {
    return resident == null && snapshot >= 0;
  }

  /** True when the stream never left the initial state. */
  boolean isInitial() {
    return resident == null && snapshot == Checkpoint.INITIAL;
  }

  /** Where the latest snapshot lies in the journal. */
  long snapshot() {
    return snapshot;
  }

  long step() {
    return step;
  }

  /** Records of the stream before that offset are answered. */
  long upTo() {
    return upTo;
  }

  void answeredUpTo(long offset) {
    upTo = Math.max(upTo, offset);
  }

  /** True when the journal does not hold the present state. */
  boolean isDirty() {
    return dirty;
  }

  /** Takes the state that a committed batch led to; returns the one before, if it was resident. */
  BatchModel.@Nullable State moveTo(BatchModel.State next) {
    BatchModel.State before = resident;
    resident = next;
    step = next.step();
    dirty = true;
    return before == next ? null : before;
  }

  /** Takes the state that the snapshot holds. */
  void bringBack(BatchModel.State parked) {
    resident = parked;
    step = parked.step();
  }

  /** The journal holds the present state from now on. */
  void snapshotAt(long offset) {
    snapshot = offset;
    dirty = false;
  }

  /** Lets go of the state in memory, which the journal holds. */
  BatchModel.@Nullable State park() {
    BatchModel.State parked = resident;
    resident = null;
    return parked;
  }

  /** Starts anew; returns the state that was resident. */
  BatchModel.@Nullable State reset() {
    BatchModel.State before = resident;
    resident = null;
    snapshot = Checkpoint.INITIAL;
    step = 0;
    dirty = false;
    return before;
  }

  /** A batch needs the state: it must not be parked. */
  void pin() {
    pins++;
  }

  void unpin() {
    pins--;
  }

  boolean isPinned() {
    return pins > 0;
  }
}
