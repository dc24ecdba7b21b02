package dev.acclimate.simulate;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import java.util.stream.IntStream;

/**
 * Some batches of a stream, made once for all methods: corrupted and preprocessed samples, and
 * their tasks.
 */
final class Chunk implements AutoCloseable {
  private final Tensor inputs;
  private final Tensor tasks;
  private int first;
  private int end;

  /** Room for so many samples. */
  Chunk(long[] sampleShape, int samples) {
    long[] shape = sampleShape.clone();
    shape[0] = samples;
    this.inputs = Tensor.allocate(ElementType.FP32, shape);
    this.tasks = Tensor.allocate(ElementType.INT64, samples);
  }

  /**
   * Fills with whole batches.
   *
   * @param batch the first of them
   * @return the first batch behind them
   */
  int fill(DomainStream stream, StreamLog log, int batch) {
    first = batch;
    end = batch;
    int origin = log.batchStart(batch);
    while (end < log.batches() && log.batchEnd(end) - origin <= inputs.size(0)) {
      end++;
    }
    int size = log.batchEnd(end - 1) - origin;
    for (int from = origin; from < origin + size; ) {
      int index = log.stretch(from);
      StreamLog.Stretch stretch = log.stretches().get(index);
      int count = Math.min(stretch.to(), origin + size) - from;
      try (Tensor part = inputs.slice(from - origin, count)) {
        stream.segments().get(index).fill(from - stretch.from(), count, part.floats());
      }
      from += count;
    }
    for (int i = 0; i < size; i++) {
      tasks.longs().put(i, log.task(origin + i));
    }
    return end;
  }

  /** Shows the batches to a method, one after the other. */
  void show(Contestant contestant, Classifier classifier, StreamLog log) {
    int origin = log.batchStart(first);
    for (int batch = first; batch < end; batch++) {
      if (log.resetsBefore(batch)) {
        contestant.reset();
      }
      int from = log.batchStart(batch) - origin;
      int count = log.batchEnd(batch) - log.batchStart(batch);
      try (Tensor part = inputs.slice(from, count);
          Tensor partTasks = tasks.slice(from, count)) {
        int start = log.batchStart(batch);
        int[] labels = IntStream.range(start, start + count).map(log::label).toArray();
        contestant.answer(classifier, part, partTasks, labels);
      }
    }
  }

  /** Samples in it. */
  int size(StreamLog log) {
    return log.batchEnd(end - 1) - log.batchStart(first);
  }

  @Override
  public void close() {
    inputs.close();
    tasks.close();
  }
}
