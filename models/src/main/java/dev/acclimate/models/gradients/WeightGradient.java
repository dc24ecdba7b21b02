package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * The gradient of a convolution's weights: for each kernel element, the product of what lies at the
 * places with what the element read there.
 *
 * <p>It is one matrix product per kernel element over shifted slices. The textbook form, one
 * convolution with batch and channels exchanged, has a kernel as large as the image, which no
 * implementation is built for: on one CPU core it took 1.4 to 2.5 times as long at the shapes of
 * small ResNets.
 */
final class WeightGradient {
  /** Past the end of any axis. */
  private static final long END = Long.MAX_VALUE;

  private WeightGradient() {}

  /**
   * Writes the gradient, {@code [P, C / groups, *kernel]}.
   *
   * @param places {@code [B, P, *places]}
   * @param image {@code [B, C, *image]}, not yet padded
   * @param weight the weights, for their shape
   */
  static String write(
      NodeGradient node, String places, String image, Window window, long groups, String weight) {
    OperatorWriter write = node.write();
    String padded = window.isPadded() ? write.pad(image, window.imagePads()) : image;
    List<Dimension> sizes = node.dimensions(weight);
    long perGroup = sizes.get(1).size();
    String left = matrices(write, places, groups, sizes.get(0).size() / groups);
    List<String> products = new ArrayList<>();
    long[] element = new long[window.axes()];
    do {
      String read = matrices(write, shifted(write, padded, window, element), groups, perGroup);
      String perSample = write.matMul(left, transposed(write, read, groups));
      products.add(write.reduceSum(perSample, true, 0));
    } while (Window.next(element, window.kernel()));
    if (products.size() == 1) {
      return write.reshapeTo(products.get(0), node.shapeOf(weight));
    }
    String stacked = write.concat(0, products); // [elements, (groups,) P / groups, C / groups]
    String last =
        groups == 1 ? write.transpose(stacked, 1, 2, 0) : write.transpose(stacked, 1, 2, 3, 0);
    return write.reshapeTo(last, node.shapeOf(weight));
  }

  /** {@code [B, channels, n]}, or {@code [B, groups, channels of a group, n]}. */
  private static String matrices(OperatorWriter write, String tensor, long groups, long perGroup) {
    return groups == 1
        ? write.reshape(tensor, 0, 0, -1)
        : write.reshape(tensor, 0, groups, perGroup, -1);
  }

  private static String transposed(OperatorWriter write, String matrices, long groups) {
    return groups == 1 ? write.transpose(matrices, 0, 2, 1) : write.transpose(matrices, 0, 1, 3, 2);
  }

  /** What one kernel element reads, in the order of the places: {@code [B, C, *places]}. */
  private static String shifted(
      OperatorWriter write, String padded, Window window, long[] element) {
    if (window.elements() == 1 && window.isDense()) {
      return padded;
    }
    long[] starts = new long[window.axes()];
    long[] ends = new long[window.axes()];
    for (int axis = 0; axis < window.axes(); axis++) {
      starts[axis] = window.dilations()[axis] * element[axis];
      // counted from the end, so that the image's size need not be known; where the stride leaves
      // a rest, the step skips it just as the convolution did
      long beyond = window.reach(axis) - starts[axis];
      ends[axis] = beyond == 0 ? END : -beyond;
    }
    return write.slice(padded, window.imageAxes(), starts, ends, window.strides());
  }
}
