package dev.acclimate.streams.journal;

/**
 * When the next checkpoint is due. Every so many batches where a number is given. Else by size and
 * time: when the input since the last one is {@value #INPUT_PER_STATE_BYTE} times what the
 * snapshots take, so that the journal adds a few percent to the traffic; but before the model's
 * time to replay what came since exceeds {@value #MAX_REPLAY_SECONDS} seconds, which bounds a
 * recovery.
 */
public final class SnapshotPolicy {
  static final int INPUT_PER_STATE_BYTE = 32;
  static final double MAX_REPLAY_SECONDS = 1.5;
  private static final int MAX_BATCHES = 1000;
  private static final long LEAST_COST = 64 << 10;

  private final int every;
  private long batches;
  private long inputBytes;
  private long modelNanos;

  /**
   * @param every batches between two checkpoints, 0 for by size and time
   */
  public SnapshotPolicy(int every) {
    this.every = every;
  }

  /** Counts a committed batch. */
  public void ran(long input, long nanos) {
    batches++;
    inputBytes += input;
    modelNanos += nanos;
  }

  /**
   * True when a checkpoint should go along with the batch at hand.
   *
   * @param cost bytes that its snapshots would take
   */
  public boolean isDue(long cost) {
    if (every > 0) {
      return batches >= every;
    }
    return batches >= MAX_BATCHES
        || modelNanos >= MAX_REPLAY_SECONDS * 1e9
        || inputBytes >= INPUT_PER_STATE_BYTE * Math.max(cost, LEAST_COST);
  }

  /** A checkpoint was committed. */
  public void taken() {
    batches = 0;
    inputBytes = 0;
    modelNanos = 0;
  }
}
