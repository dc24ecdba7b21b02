package dev.acclimate.adapters;

import java.util.List;

/**
 * One float32 tensor of a model's state.
 *
 * @param name in state files, such as {@code running_mean}
 * @param shape its sizes
 */
public record StateTensor(String name, List<Long> shape) {
  /** What the graph's inputs that are not the model's own start with. */
  public static final String PREFIX = "acclimate/";

  public StateTensor {
    shape = List.copyOf(shape);
  }

  /** The graph input that reads it. */
  public String input() {
    return PREFIX + name;
  }

  /** The graph output that holds it after the batch. */
  public String output() {
    return input() + "/next";
  }

  /** The shape as other classes take it. */
  public long[] sizes() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}
