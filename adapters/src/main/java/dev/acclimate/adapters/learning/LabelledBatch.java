package dev.acclimate.adapters.learning;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;

/**
 * Samples to learn from: room for a number of rows, of which the first so many count.
 *
 * <p>Closing lets go of the runtime's handles; not thread-safe.
 */
public final class LabelledBatch implements AutoCloseable {
  private final Tensor inputs;
  private final Tensor labels;
  private final Tensor tasks;
  private final int sampleSize;
  private Tensor someInputs;
  private Tensor someLabels;
  private Tensor someTasks;

  /**
   * An empty batch.
   *
   * @param capacity rows that there is room for
   * @param sampleShape of one sample
   */
  public LabelledBatch(int capacity, long... sampleShape) {
    long[] shape = new long[sampleShape.length + 1];
    shape[0] = capacity;
    System.arraycopy(sampleShape, 0, shape, 1, sampleShape.length);
    this.inputs = Tensor.allocate(ElementType.FP32, shape);
    this.labels = Tensor.allocate(ElementType.INT64, capacity);
    this.tasks = Tensor.allocate(ElementType.INT64, capacity);
    this.sampleSize = Math.toIntExact(Tensor.elements(sampleShape));
    this.someInputs = inputs.first(0);
    this.someLabels = labels.first(0);
    this.someTasks = tasks.first(0);
  }

  /** Writes a row: its values from the buffer's position on, which stays where it is. */
  public void set(int row, FloatBuffer values, long label, long task) {
    inputs.floats().put(row * sampleSize, values, values.position(), sampleSize);
    label(row, label, task);
  }

  /** Names class and task of a row whose values are written already. */
  public void label(int row, long label, long task) {
    labels.longs().put(row, label);
    tasks.longs().put(row, task);
  }

  /** The row's values, to be written. */
  public FloatBuffer row(int row) {
    return inputs.floats().slice(row * sampleSize, sampleSize);
  }

  /** How many rows count. */
  public void resize(int rows) {
    if (rows != size()) {
      closeViews();
      someInputs = inputs.first(rows);
      someLabels = labels.first(rows);
      someTasks = tasks.first(rows);
    }
  }

  private void closeViews() {
    someInputs.close();
    someLabels.close();
    someTasks.close();
  }

  /** Rows that count. */
  public int size() {
    return Math.toIntExact(someLabels.size(0));
  }

  /** Samples {@code [size, ...]}, until the next resize. */
  public Tensor inputs() {
    return someInputs;
  }

  /** Classes, int64 {@code [size]}, until the next resize. */
  public Tensor labels() {
    return someLabels;
  }

  /** Tasks, int64 {@code [size]}, until the next resize. */
  public Tensor tasks() {
    return someTasks;
  }

  /** The class of a row. */
  public long label(int row) {
    return labels.longs().get(row);
  }

  /** The task of a row. */
  public long task(int row) {
    return tasks.longs().get(row);
  }

  @Override
  public void close() {
    closeViews();
  }
}
