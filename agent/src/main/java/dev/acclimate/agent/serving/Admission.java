package dev.acclimate.agent.serving;

import dev.acclimate.agent.serving.ServingException.Kind;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the requests in hand and the memory that they hold. What would exceed either is refused at
 * once, so that overload costs clients a retry and not the server its memory. Thread-safe.
 */
final class Admission {
  private final int most;
  private final long mostBytes;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  Admission(int most, long mostBytes) {
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /** One request's place. Closing it more than once does no harm. */
  final class Place implements AutoCloseable {
    private long held;
    private boolean closed;

    /** Takes memory for this request: its bytes as they came, and what they are read into. */
    synchronized void hold(long more) {
      if (bytes.addAndGet(more) > mostBytes) {
        bytes.addAndGet(-more);
        throw busy("requests in hand hold " + mostBytes + " bytes already");
      }
      held += more;
      if (closed) {
        // its client has gone meanwhile
        release();
      }
    }

    private void release() {
      bytes.addAndGet(-held);
      held = 0;
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        requests.decrementAndGet();
        release();
      }
    }
  }

  /** A place for one more request. */
  Place enter() {
    if (requests.incrementAndGet() > most) {
      requests.decrementAndGet();
      throw busy(most + " requests are in hand already");
    }
    return new Place();
  }

  private static ServingException busy(String why) {
    return new ServingException(Kind.BUSY, "overloaded: " + why + "; try again later");
  }

  int requests() {
    return requests.get();
  }

  long bytes() {
    return bytes.get();
  }
}
