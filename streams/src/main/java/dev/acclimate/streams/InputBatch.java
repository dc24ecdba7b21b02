package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The direct buffers of one micro-batch, one per model input, filled sample by sample. A decoder
 * {@linkplain #reserve reserves} room, writes behind the last sample and then {@linkplain #add
 * adds} what it wrote, so a record that turns out to be invalid halfway leaves nothing behind.
 *
 * <p>The buffers start small and double as samples come, since of many batches that are open at a
 * time most never fill. Not thread-safe.
 */
public final class InputBatch implements AutoCloseable {
  private final List<TensorInfo> inputs;
  private final List<Tensor> tensors = new ArrayList<>();
  private final int capacity;
  private int allocated;
  private int samples;
  private Map<String, Tensor> view = Map.of();
  private int viewSamples = -1;

  /**
   * Room for {@code capacity} samples.
   *
   * @throws InvalidInputException when an input's inner axes are not all fixed, or its batch axis
   *     is fixed at another size than {@code capacity}
   */
  public InputBatch(List<TensorInfo> inputs, int capacity) {
    this.inputs = List.copyOf(inputs);
    this.capacity = capacity;
    for (TensorInfo input : inputs) {
      requireBatches(input, capacity);
    }
    allocate(1);
  }

  private void allocate(int samples) {
    for (TensorInfo input : inputs) {
      tensors.add(Tensor.allocate(input.type(), batchShape(input, samples)));
    }
    allocated = samples;
  }

  private static void requireBatches(TensorInfo input, int capacity) {
    if (input.rank() == 0 || input.elementsPerSample() < 0) {
      throw new InvalidInputException(
          "model input "
              + input.name()
              + ": expected a batch axis and fixed sizes after it, found "
              + input.shapeText());
    }
    if (!input.accepts(batchShape(input, capacity))) {
      throw new InvalidInputException(
          "model input "
              + input.name()
              + " has the fixed shape "
              + input.shapeText()
              + ": expected batches of up to "
              + input.dimensions().get(0)
              + ", found "
              + capacity);
    }
  }

  private static long[] batchShape(TensorInfo input, int samples) {
    long[] shape = new long[input.rank()];
    shape[0] = samples;
    for (int axis = 1; axis < shape.length; axis++) {
      shape[axis] = input.dimensions().get(axis).size();
    }
    return shape;
  }

  TensorInfo input(int input) {
    return inputs.get(input);
  }

  public int samples() {
    return samples;
  }

  public int capacity() {
    return capacity;
  }

  public int room() {
    return capacity - samples;
  }

  /** The whole buffer of an input, of which the part behind the last sample is free. */
  ByteBuffer buffer(int input) {
    return tensors.get(input).bytes();
  }

  /** Where the next sample of an input starts in its buffer. */
  int offset(int input) {
    return samples * sampleBytes(input);
  }

  int sampleBytes(int input) {
    TensorInfo info = inputs.get(input);
    return Math.toIntExact(info.elementsPerSample() * info.type().bytes());
  }

  /** Makes sure that {@code count} more samples can be written; they must fit the capacity. */
  void reserve(int count) {
    int needed = samples + count;
    if (needed > capacity) {
      throw new IllegalArgumentException(count + " samples, room for " + room());
    }
    if (needed <= allocated) {
      return;
    }
    closeView();
    List<Tensor> smaller = List.copyOf(tensors);
    tensors.clear();
    allocate(Math.min(capacity, Math.max(needed, 2 * allocated)));
    for (int input = 0; input < inputs.size(); input++) {
      int bytes = samples * sampleBytes(input);
      buffer(input).put(0, smaller.get(input).bytes(), 0, bytes);
    }
    smaller.forEach(Tensor::close);
  }

  /** Keeps the {@code count} samples that were written behind the last one. */
  void add(int count) {
    if (count > room()) {
      throw new IllegalArgumentException(count + " samples, room for " + room());
    }
    samples += count;
  }

  /** Copies samples of another batch of the same model behind the last one. */
  void addFrom(InputBatch source, int first, int count) {
    reserve(count);
    for (int input = 0; input < inputs.size(); input++) {
      int size = sampleBytes(input);
      buffer(input).put(offset(input), source.buffer(input), first * size, count * size);
    }
    add(count);
  }

  /** Bytes of one sample, all its inputs together. */
  int bytesOfSample() {
    int sum = 0;
    for (int input = 0; input < inputs.size(); input++) {
      sum += sampleBytes(input);
    }
    return sum;
  }

  /** A copy of a sample, the values of its inputs one after another. */
  byte[] sample(int index) {
    byte[] values = new byte[bytesOfSample()];
    int to = 0;
    for (int input = 0; input < inputs.size(); input++) {
      int size = sampleBytes(input);
      buffer(input).get(index * size, values, to, size);
      to += size;
    }
    return values;
  }

  /** Adds a sample that {@link #sample} copied. */
  void add(byte[] sample) {
    reserve(1);
    int from = 0;
    for (int input = 0; input < inputs.size(); input++) {
      int size = sampleBytes(input);
      buffer(input).put(offset(input), sample, from, size);
      from += size;
    }
    add(1);
  }

  void clear() {
    samples = 0;
  }

  /** The samples as tensors by input name, valid until the batch changes. */
  public Map<String, Tensor> tensors() {
    if (viewSamples != samples) {
      closeView();
      Map<String, Tensor> byName = new LinkedHashMap<>();
      for (int i = 0; i < inputs.size(); i++) {
        Tensor whole = tensors.get(i);
        byName.put(inputs.get(i).name(), samples == allocated ? whole : whole.first(samples));
      }
      view = byName;
      viewSamples = samples;
    }
    return view;
  }

  private void closeView() {
    view.values().forEach(Tensor::close);
    view = Map.of();
    viewSamples = -1;
  }

  @Override
  public void close() {
    closeView();
    tensors.forEach(Tensor::close);
  }
}
