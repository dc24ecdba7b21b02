package dev.acclimate.models;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Name, element type and declared shape of a model's input, output or inner tensor. */
public record TensorInfo(String name, ElementType type, List<Dimension> dimensions) {

  public TensorInfo {
    dimensions = List.copyOf(dimensions);
  }

  public int rank() {
    return dimensions.size();
  }

  /** Elements of one entry along the first axis, -1 when an inner axis is not fixed. */
  public long elementsPerSample() {
    long elements = 1;
    for (int axis = 1; axis < rank(); axis++) {
      if (!dimensions.get(axis).isFixed()) {
        return -1;
      }
      elements = Math.multiplyExact(elements, dimensions.get(axis).size());
    }
    return elements;
  }

  /** True where a tensor of this shape may be fed: same rank, and equal sizes on fixed axes. */
  public boolean accepts(long... shape) {
    if (shape.length != rank()) {
      return false;
    }
    for (int axis = 0; axis < shape.length; axis++) {
      if (dimensions.get(axis).isFixed() && dimensions.get(axis).size() != shape[axis]) {
        return false;
      }
    }
    return true;
  }

  /** The shape for people: {@code [batch, 3, 32, 32]}. */
  public String shapeText() {
    return dimensions.stream().map(Dimension::toString).collect(Collectors.joining(", ", "[", "]"));
  }

  static String shapeText(long[] shape) {
    return Arrays.toString(shape);
  }

  @Override
  public String toString() {
    return name + " " + type + " " + shapeText();
  }
}
