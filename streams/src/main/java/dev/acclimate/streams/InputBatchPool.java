package dev.acclimate.streams;

import dev.acclimate.models.TensorInfo;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Batches' buffers, used again and again; only as many are kept as are busy in a turn or two. */
final class InputBatchPool implements AutoCloseable {
  private static final int KEPT = 16;

  private final List<TensorInfo> inputs;
  private final int capacity;
  private final Deque<InputBatch> free = new ArrayDeque<>();

  InputBatchPool(List<TensorInfo> inputs, int capacity) {
    this.inputs = inputs;
    this.capacity = capacity;
    free.add(new InputBatch(inputs, capacity));
  }

  InputBatch take() {
    InputBatch batch = free.poll();
    return batch == null ? new InputBatch(inputs, capacity) : batch;
  }

  void give(InputBatch batch) {
    batch.clear();
    if (free.size() < KEPT) {
      free.push(batch);
    } else {
      batch.close();
    }
  }

  @Override
  public void close() {
    free.forEach(InputBatch::close);
    free.clear();
  }
}
