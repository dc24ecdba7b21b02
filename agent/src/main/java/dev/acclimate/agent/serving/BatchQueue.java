package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.BatchShare;
import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.ServingException.Kind;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.OutputSlice;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests that wait for one model, and the thread that answers them. Requests that come close
 * together share a run: it starts when the batch is full or its first request has waited long
 * enough. A model whose inputs or outputs have no open first axis answers each request alone.
 *
 * <p>Requests that another server has answered wait apart: the model adapts to them when none waits
 * for its answer.
 *
 * <p>The queue itself has no bound: {@link Admission} bounds the requests in hand, of which those
 * that wait here are a part.
 */
final class BatchQueue implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BatchQueue.class);

  private final int maxBatch;
  private final long maxDelayNanos;
  private final Thread thread;
  private final MergedBatch merged = new MergedBatch();
  private final MergedBatch mergedAnswers = new MergedBatch();

  /** Held while the model runs; whoever takes the model away takes it first. */
  private final ReentrantLock running = new ReentrantLock();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<PendingRequest> waiting = new ArrayDeque<>();
  private final Deque<PendingRequest> beside = new ArrayDeque<>();
  private boolean closed;

  private volatile InferenceModel model;
  private volatile boolean batches;

  BatchQueue(InferenceModel model, int maxBatch, Duration maxDelay) {
    this.model = model;
    this.batches = hasBatchAxis(model);
    this.maxBatch = maxBatch;
    this.maxDelayNanos = maxDelay.toNanos();
    this.thread = new Thread(this::work, "acclimate-model-" + model.name());
    thread.setDaemon(true);
    thread.start();
  }

  /** True where the first axes of all inputs and outputs are the same open one. */
  private static boolean hasBatchAxis(InferenceModel model) {
    Set<Dimension> axes = new HashSet<>();
    Stream.concat(model.inputs().stream(), model.outputs().stream())
        .map(BatchQueue::firstAxis)
        .forEach(axes::add);
    return axes.size() == 1 && axes.stream().noneMatch(Dimension::isFixed);
  }

  private static Dimension firstAxis(TensorInfo info) {
    return info.rank() == 0 ? Dimension.fixed(1) : info.dimensions().get(0);
  }

  InferenceModel model() {
    return model;
  }

  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }

  /** Puts another model in the place of the present one, which runs no more from then on. */
  void switchTo(InferenceModel next) {
    running.lock();
    try {
      model = next;
      batches = hasBatchAxis(next);
    } finally {
      running.unlock();
    }
  }

  /**
   * Lets a request wait for its answer. Its tensors are let go of when it has one.
   *
   * @throws ServingException when the request holds more samples than a batch, or the model goes
   */
  void submit(PendingRequest request) {
    if (batches && request.samples() > maxBatch) {
      throw new ServingException(
          Kind.INVALID,
          "expected at most " + maxBatch + " samples a request, found " + request.samples());
    }
    lock.lock();
    try {
      if (closed) {
        throw new ServingException(
            Kind.UNAVAILABLE, "model '" + model.name() + "' is being unloaded");
      }
      (request.answered() == null ? waiting : beside).add(request);
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    List<PendingRequest> batch = next();
    while (!batch.isEmpty()) {
      running.lock();
      try {
        answer(batch);
      } finally {
        running.unlock();
        batch.forEach(PendingRequest::release);
      }
      batch = next();
    }
    merged.close();
    mergedAnswers.close();
  }

  /** The next requests to share a run; none when the queue is closed and empty. */
  private List<PendingRequest> next() {
    lock.lock();
    try {
      while (true) {
        dropAbandoned();
        Deque<PendingRequest> due = waiting.isEmpty() ? beside : waiting;
        PendingRequest first = due.peek();
        if (first == null) {
          if (closed) {
            return List.of();
          }
          changed.awaitUninterruptibly();
          continue;
        }
        List<PendingRequest> batch = sharing(first, due);
        long left = first.since() + maxDelayNanos - System.nanoTime();
        boolean full = samples(batch) >= maxBatch || batch.size() < due.size();
        if (!batches || full || left <= 0 || closed) {
          batch.forEach(request -> due.poll());
          return batch;
        }
        await(left);
      }
    } finally {
      lock.unlock();
    }
  }

  @SuppressWarnings("WaitNotInLoop") // next() is the loop
  private void await(long nanos) {
    try {
      var unused = changed.awaitNanos(nanos);
    } catch (InterruptedException e) {
      log.debug("interrupted: nobody but the queue knows this thread", e);
    }
  }

  /** Requests whose time is over or whose client has gone. */
  private void dropAbandoned() {
    waiting.removeIf(
        request -> {
          boolean abandoned = request.answer().isDone();
          if (abandoned) {
            request.release();
          }
          return abandoned;
        });
  }

  /** The first request and those right behind it that fit into its run. */
  private List<PendingRequest> sharing(PendingRequest first, Deque<PendingRequest> due) {
    List<PendingRequest> batch = new ArrayList<>();
    int samples = 0;
    for (PendingRequest request : due) {
      samples += request.samples();
      if (!batch.isEmpty() && (!batches || samples > maxBatch || !first.fits(request))) {
        break;
      }
      batch.add(request);
    }
    return batch;
  }

  private static int samples(List<PendingRequest> batch) {
    return batch.stream().mapToInt(PendingRequest::samples).sum();
  }

  private void answer(List<PendingRequest> batch) {
    try {
      complete(batch, run(batch));
    } catch (RuntimeException | Error e) {
      if (batch.size() > 1) {
        // one of them may be what the model fails at: the others are not to suffer from it
        batch.forEach(request -> answer(List.of(request)));
      } else {
        fail(batch.get(0), e);
      }
    }
  }

  private Map<String, Tensor> run(List<PendingRequest> batch) {
    Map<String, Tensor> inputs = merged.of(batch.stream().map(PendingRequest::inputs).toList());
    List<Map<String, Tensor>> answered =
        batch.stream().map(PendingRequest::answered).filter(Objects::nonNull).toList();
    return answered.isEmpty()
        ? model.run(inputs, shares(batch))
        : model.runBeside(inputs, shares(batch), mergedAnswers.of(answered));
  }

  private static List<BatchShare> shares(List<PendingRequest> batch) {
    return batch.stream()
        .map(request -> new BatchShare(request.stream(), request.samples(), request.request().id()))
        .toList();
  }

  private void complete(List<PendingRequest> batch, Map<String, Tensor> outputs) {
    if (batch.size() == 1) {
      PendingRequest request = batch.get(0);
      List<OutputSlice> slices = new ArrayList<>();
      for (TensorInfo output : model.outputs()) {
        if (request.request().wants(output.name())) {
          slices.add(OutputSlice.of(output.name(), output(outputs, output)).copy());
        }
      }
      request.answer().complete(slices);
      return;
    }
    int samples = samples(batch);
    for (TensorInfo output : model.outputs()) {
      if (output(outputs, output).size(0) != samples) {
        batches = false;
        throw new IllegalStateException(
            "output " + output.name() + " has not one entry a sample: requests run alone from now");
      }
    }
    int first = 0;
    for (PendingRequest request : batch) {
      List<OutputSlice> slices = new ArrayList<>();
      for (TensorInfo output : model.outputs()) {
        if (request.request().wants(output.name())) {
          Tensor tensor = output(outputs, output);
          slices.add(OutputSlice.of(output.name(), tensor, first, request.samples()).copy());
        }
      }
      request.answer().complete(slices);
      first += request.samples();
    }
  }

  private static Tensor output(Map<String, Tensor> outputs, TensorInfo output) {
    Tensor tensor = outputs.get(output.name());
    if (tensor == null) {
      throw new IllegalStateException("the model gave no output " + output.name());
    }
    return tensor;
  }

  private void fail(PendingRequest request, Throwable e) {
    if (e instanceof InvalidInputException) {
      request.answer().completeExceptionally(new ServingException(Kind.INVALID, text(e)));
    } else {
      log.warn("{}: a request failed: {}", model.name(), text(e));
      log.debug("{}", model.name(), e);
      request.answer().completeExceptionally(new ServingException(Kind.FAILED, text(e)));
    }
  }

  private static String text(Throwable e) {
    @Nullable String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }

  /** Takes no more requests, answers those that wait for their answer, and lets the thread go. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      ServingException gone =
          new ServingException(Kind.UNAVAILABLE, "model '" + model.name() + "' goes");
      beside.forEach(request -> request.answer().completeExceptionally(gone));
      beside.forEach(PendingRequest::release);
      beside.clear();
      changed.signal();
    } finally {
      lock.unlock();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
