package dev.acclimate.adapters.serving;

import java.util.BitSet;

/** The part of the last answers that was right. Thread-safe. */
public final class RecentAccuracy {
  private final BitSet correct;
  private final int size;
  private int next;
  private int seen;

  /**
   * Of answers to come.
   *
   * @param size how many of the last ones count
   */
  public RecentAccuracy(int size) {
    this.size = size;
    this.correct = new BitSet(size);
  }

  /** One more answer. */
  public synchronized void add(boolean right) {
    correct.set(next, right);
    next = (next + 1) % size;
    seen = Math.min(seen + 1, size);
  }

  /** A fraction; NaN before the first answer. */
  public synchronized double value() {
    return seen == 0 ? Double.NaN : (double) correct.cardinality() / seen;
  }
}
