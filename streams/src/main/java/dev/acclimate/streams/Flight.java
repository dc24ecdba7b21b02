package dev.acclimate.streams;

import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A batch on its way through the model. */
final class Flight {
  private final MicroBatch batch;
  private final StreamState state;
  private final BatchModel.State into;
  private final FutureTask<BatchRunner.Outcome> task;

  /**
   * @param before a flight of the same stream that is not committed yet, whose outcome this one
   *     goes on from; null for the state as of the last commit
   * @param start that state
   * @param into what the run may write
   */
  Flight(
      MicroBatch batch,
      StreamState state,
      @Nullable Flight before,
      BatchModel.State start,
      BatchModel.State into,
      BatchRunner runner) {
    this.batch = batch;
    this.state = state;
    this.into = into;
    this.task =
        new FutureTask<>(
            () -> runner.run(batch, before == null ? start : before.outcome().next(), into));
  }

  Runnable task() {
    return task;
  }

  Future<BatchRunner.Outcome> future() {
    return task;
  }

  MicroBatch batch() {
    return batch;
  }

  StreamState state() {
    return state;
  }

  /** The state that the run was given to write. */
  BatchModel.State into() {
    return into;
  }

  boolean isDone() {
    return task.isDone();
  }

  /** Waits until the run is over, well or not, but no longer than that. */
  void await(Duration most) {
    try {
      task.get(most.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      // whoever asks for the outcome will hear of it
    }
  }

  /** Waits for the outcome; throws what the run threw. */
  BatchRunner.Outcome outcome() {
    try {
      return task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new CompletionException(e.getCause());
    }
  }
}
