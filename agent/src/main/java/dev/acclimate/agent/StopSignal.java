package dev.acclimate.agent;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Tells the main thread that the process is to end, and keeps it alive until that thread has put
 * its things away.
 */
final class StopSignal implements AutoCloseable {
  private static final long CLOSING_SECONDS = 20;

  private final CountDownLatch given = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::give, "acclimate-stop");

  private StopSignal() {}

  /** A signal that SIGTERM and Ctrl-C give. */
  static StopSignal onShutdown() {
    StopSignal signal = new StopSignal();
    Runtime.getRuntime().addShutdownHook(signal.hook);
    return signal;
  }

  private void give() {
    given.countDown();
    try {
      var unused = closed.await(CLOSING_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  boolean given() {
    return given.getCount() == 0;
  }

  void await() {
    try {
      given.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets the process end. */
  @Override
  public void close() {
    closed.countDown();
    if (!given()) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // the process ends at this very moment
      }
    }
  }
}
