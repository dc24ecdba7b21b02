package dev.acclimate.streams.feedback;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Entries in the order they came, for as long and as many as the window holds. Every operation is
 * O(1), evictions counted towards the entry that is evicted. Not thread-safe.
 *
 * @param <E> what waits
 */
final class JoinWindow<E extends JoinWindow.Entry> {

  /** Which request of which stream. */
  record RequestKey(String stream, String id) {}

  /** What waits. */
  interface Entry {
    /** When it came. */
    long nanos();

    /** How much of the capacity it takes. */
    int samples();
  }

  private final LinkedHashMap<RequestKey, E> entries = new LinkedHashMap<>();
  private final long maxNanos;
  private final int capacity;
  private final Consumer<E> evicted;
  private long samples;

  /**
   * An empty window.
   *
   * @param maxNanos how old an entry gets
   * @param capacity samples it holds
   * @param evicted told of the entries that leave for age or want of room
   */
  JoinWindow(long maxNanos, int capacity, Consumer<E> evicted) {
    this.maxNanos = maxNanos;
    this.capacity = capacity;
    this.evicted = evicted;
  }

  @Nullable E get(RequestKey key) {
    return entries.get(key);
  }

  @Nullable E remove(RequestKey key) {
    E entry = entries.remove(key);
    if (entry != null) {
      samples -= entry.samples();
    }
    return entry;
  }

  /** Adds the newest entry; {@code key} must not be there. */
  void add(RequestKey key, E entry) {
    if (entries.putIfAbsent(key, entry) != null) {
      throw new IllegalArgumentException(key + " is there");
    }
    samples += entry.samples();
    Iterator<E> oldestFirst = entries.values().iterator();
    while (samples > capacity) {
      evict(oldestFirst, oldestFirst.next());
    }
  }

  /** Evicts what is too old. */
  void expire(long now) {
    Iterator<E> oldestFirst = entries.values().iterator();
    while (oldestFirst.hasNext()) {
      E oldest = oldestFirst.next();
      if (now - oldest.nanos() <= maxNanos) {
        return;
      }
      evict(oldestFirst, oldest);
    }
  }

  private void evict(Iterator<E> at, E entry) {
    at.remove();
    samples -= entry.samples();
    evicted.accept(entry);
  }
}
