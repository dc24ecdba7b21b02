package dev.acclimate.streams;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The inputs of requests that were answered, until their labels come: as many of the last ones as a
 * budget of bytes holds. What it holds is a function of the end of the log. Not thread-safe.
 */
final class WaitingRequests {
  /** About what a request takes beside its samples. */
  private static final int OVERHEAD = 250;

  private final long budget;
  private final Map<Key, Answered> requests = new LinkedHashMap<>();
  private long bytes;

  /** Which request of which stream. */
  record Key(String stream, String id) {}

  /** A request's samples, each with all its inputs' values one after another. */
  static final class Answered {
    private final Key key;
    private final byte[][] samples;
    private boolean taken;

    Answered(Key key, byte[][] samples) {
      this.key = key;
      this.samples = samples;
    }

    byte[][] samples() {
      return samples;
    }

    /** True when its label has come, in a step that is not committed yet. */
    boolean isTaken() {
      return taken;
    }

    void take() {
      taken = true;
    }

    private long bytes() {
      long sum = OVERHEAD + 2L * (key.stream().length() + key.id().length());
      for (byte[] sample : samples) {
        sum += sample.length;
      }
      return sum;
    }
  }

  WaitingRequests(long budget) {
    this.budget = budget;
  }

  /** The most requests of a single sample that fit. */
  int mostRequests(int sampleBytes) {
    return (int) Math.min(Integer.MAX_VALUE, budget / (sampleBytes + OVERHEAD));
  }

  /** Adds the newest; an id that is answered again starts anew. */
  void add(Answered request) {
    Answered before = requests.remove(request.key);
    bytes += request.bytes() - (before == null ? 0 : before.bytes());
    requests.put(request.key, request);
    Iterator<Answered> oldestFirst = requests.values().iterator();
    while (bytes > budget) {
      bytes -= oldestFirst.next().bytes();
      oldestFirst.remove();
    }
  }

  @Nullable Answered get(Key key) {
    return requests.get(key);
  }

  void remove(Answered request) {
    // not one that was answered under the same id since
    if (requests.remove(request.key, request)) {
      bytes -= request.bytes();
    }
  }

  /** No label has come for any of them. */
  void releaseAll() {
    requests.values().forEach(request -> request.taken = false);
  }

  void clear() {
    requests.clear();
    bytes = 0;
  }
}
