package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * How a kernel moves over an image, axes counted from the first spatial one.
 *
 * @param kernel sizes
 * @param strides from one place to the next
 * @param dilations from one kernel element to the next
 * @param pads before each axis, then after each
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
record Window(long[] kernel, long[] strides, long[] dilations, long[] pads) {

  /**
   * The window of a node.
   *
   * @param kernel sizes, known
   * @param image the larger of the two tensors
   * @throws dev.acclimate.models.InvalidInputException where padding depends on sizes that are
   *     unknown
   */
  static Window of(NodeGradient node, long[] kernel, String image) {
    int axes = kernel.length;
    Window window =
        new Window(
            kernel,
            node.integers("strides", axes, 1),
            node.integers("dilations", axes, 1),
            node.integers("pads", 2 * axes, 0));
    return switch (node.text("auto_pad", "NOTSET")) {
      case "NOTSET" -> window;
      case "VALID" -> window.padded(new long[2 * axes]);
      case "SAME_UPPER" -> window.padded(window.samePads(node, image, false));
      case "SAME_LOWER" -> window.padded(window.samePads(node, image, true));
      default -> throw node.unsupported("auto_pad " + node.text("auto_pad", ""));
    };
  }

  private Window padded(long[] newPads) {
    return new Window(kernel, strides, dilations, newPads);
  }

  /** As many places as the image has elements, or their part by the stride. */
  private long[] samePads(NodeGradient node, String image, boolean moreBefore) {
    List<Dimension> sizes = node.dimensions(image);
    long[] same = new long[2 * axes()];
    for (int axis = 0; axis < axes(); axis++) {
      Dimension size = sizes.get(axis + 2);
      long total = reach(axis);
      if (strides[axis] > 1) {
        if (!size.isFixed()) {
          throw node.unsupported(
              "auto_pad with strides over axes of unknown size: " + node.shape(image));
        }
        long places = (size.size() + strides[axis] - 1) / strides[axis];
        total = Math.max(0, (places - 1) * strides[axis] + reach(axis) + 1 - size.size());
      }
      same[axis] = moreBefore ? total - total / 2 : total / 2;
      same[axis + axes()] = total - same[axis];
    }
    return same;
  }

  int axes() {
    return kernel.length;
  }

  boolean isDense() {
    return Arrays.stream(strides).allMatch(s -> s == 1);
  }

  boolean isPadded() {
    return Arrays.stream(pads).anyMatch(p -> p != 0);
  }

  /** How far the kernel reaches beyond its first element. */
  long reach(int axis) {
    return dilations[axis] * (kernel[axis] - 1);
  }

  long elements() {
    return Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
  }

  /** The padding under which the flipped kernel gives the image's size back. */
  long[] oppositePads() {
    return IntStream.range(0, 2 * axes()).mapToLong(i -> reach(i % axes()) - pads[i]).toArray();
  }

  /** The pads with none for the axes of samples and channels, as Pad takes them. */
  long[] imagePads() {
    long[] all = new long[2 * (axes() + 2)];
    System.arraycopy(pads, 0, all, 2, axes());
    System.arraycopy(pads, axes(), all, axes() + 4, axes());
    return all;
  }

  /** The spatial axes among a tensor's. */
  long[] imageAxes() {
    return LongStream.range(2, 2 + axes()).toArray();
  }

  /**
   * Counts through all elements below the given sizes, last axis fastest; false after the last one.
   */
  static boolean next(long[] element, long[] sizes) {
    for (int axis = sizes.length - 1; axis >= 0; axis--) {
      if (++element[axis] < sizes[axis]) {
        return true;
      }
      element[axis] = 0;
    }
    return false;
  }
}
