package dev.acclimate.streams;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The one thread that runs a model. */
final class ModelThread implements AutoCloseable {
  private final ExecutorService executor;

  ModelThread(String name) {
    executor = Executors.newSingleThreadExecutor(task -> new Thread(task, name));
  }

  void execute(Runnable task) {
    executor.execute(task);
  }

  /** Runs something and waits for it; throws what it threw. */
  <T> T call(Callable<T> task) {
    try {
      return executor.submit(task).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    }
  }

  /** Waits until a task has ended, well or not. */
  void await(Future<?> task) {
    try {
      task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      // its owner will hear of it
    }
  }

  @Override
  public void close() {
    executor.shutdown();
  }
}
