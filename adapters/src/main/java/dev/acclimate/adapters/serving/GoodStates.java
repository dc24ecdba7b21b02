package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.AdaptationState;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The states that have proved good, the latest of them, bounded in number and bytes. A snapshot
 * counts as good once a later check of the answers found nothing against it: what has just gone bad
 * may be in the newest one.
 */
final class GoodStates implements AutoCloseable {
  /** Good checks between two snapshots. */
  private static final int EVERY = 4;

  private final AdaptationState first;
  private AdaptationState base;
  private final int most;
  private final long mostBytes;
  private final Deque<AdaptationState> good = new ArrayDeque<>(); // latest first
  private final Deque<AdaptationState> unproven = new ArrayDeque<>(); // one at most
  private int checks;

  /**
   * Goes back to {@code start} where there is no other.
   *
   * @param start the caller's to close afterwards, never written to
   */
  GoodStates(AdaptationState start, int most, long mostBytes) {
    this.first = start;
    this.base = start;
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /** The answers of that state, or of those before it, were checked and found good. */
  void add(AdaptationState state) {
    if (checks++ % EVERY != 0 || state.sizeInBytes() > mostBytes) {
      return;
    }
    AdaptationState proven = unproven.poll();
    if (proven != null) {
      good.addFirst(proven);
    }
    unproven.add(state.copy());
    while (good.size() > most || (good.size() + 1) * state.sizeInBytes() > mostBytes) {
      AdaptationState oldest = good.pollLast();
      if (oldest == null) {
        return;
      }
      oldest.close();
    }
  }

  /** The latest good one; belongs to this still. */
  AdaptationState latest() {
    unproven.forEach(AdaptationState::close);
    unproven.clear();
    checks = 0;
    AdaptationState latest = good.peekFirst();
    return latest == null ? base : latest;
  }

  /** How many there are, the start not among them. */
  int size() {
    return good.size();
  }

  /** Forgets all others for the sake of a copy of this one. */
  void startFrom(AdaptationState start) {
    forget();
    base = start.copy();
  }

  /** Forgets all but the very first one. */
  void forget() {
    clear();
    if (base != first) {
      base.close();
      base = first;
    }
  }

  /** What they take, the very first one not among them. */
  long sizeInBytes() {
    int own = good.size() + unproven.size() + (base == first ? 0 : 1);
    return own * first.sizeInBytes();
  }

  private void clear() {
    good.forEach(AdaptationState::close);
    good.clear();
    unproven.forEach(AdaptationState::close);
    unproven.clear();
    checks = 0;
  }

  @Override
  public void close() {
    forget();
  }
}
