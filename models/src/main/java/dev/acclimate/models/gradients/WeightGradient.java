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
    if (groups == 1 && isSmall(node, places, image, window)) {
      return convolved(node, places, image, window, weight);
    }
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

  /** True where sizes are known and the kernel's rows do not begin a whole image before. */
  private static boolean isSmall(NodeGradient node, String places, String image, Window window) {
    return window.axes() == 2
        && window.kernel()[1] > 1
        && isFixed(node, places)
        && isFixed(node, image)
        && window.pads()[0] <= (sizes(node, places)[2] - 1) * window.strides()[0];
  }

  private static boolean isFixed(NodeGradient node, String tensor) {
    return dimensions(node, tensor).stream().allMatch(Dimension::isFixed);
  }

  /**
   * The gradient as convolutions, one a row of the kernel: every channel of every sample's image is
   * convolved with every channel of its places. Images lie one below the other, with rows of zeros
   * between them, so that a convolution's rows are the images and its columns the kernel's.
   */
  private static String convolved(
      NodeGradient node, String places, String image, Window window, String weight) {
    OperatorWriter write = node.write();
    long[] y = sizes(node, places);
    long[] x = sizes(node, image);
    long rows = window.kernel()[0];
    long columns = window.kernel()[1];
    long reach = (y[2] - 1) * window.strides()[0] + 1;
    long width = (y[3] - 1) * window.strides()[1] + 1 + window.reach(1);
    long below = window.reach(0) - window.pads()[0] + reach - x[2];
    long height = x[2] + Math.max(window.pads()[0], Math.max(0, below));
    long left = window.pads()[1];
    String stacked =
        write.reshape(
            write.pad(image, 0, 0, 0, left, 0, 0, height - x[2], width - x[3] - left),
            1,
            y[0],
            x[1] * height,
            width);
    String kernel = write.reshape(places, y[0] * y[1], 1, y[2], y[3]);
    List<String> sums = new ArrayList<>();
    for (long row = 0; row < rows; row++) {
      long start = row * window.dilations()[0] - window.pads()[0];
      long before = start > 0 ? 1 : 0; // images; padding can only lead before the first
      String products =
          write.emit(
              "Conv",
              List.of(stacked, kernel),
              OperatorWriter.integer("group", y[0]),
              OperatorWriter.integers("kernel_shape", y[2], y[3]),
              OperatorWriter.integers("dilations", window.strides()),
              OperatorWriter.integers("strides", height, window.dilations()[1]),
              OperatorWriter.integers("pads", before * height - start, 0, 0, 0));
      String perSample = write.reshape(products, y[0], y[1], x[1] + before, columns);
      String sum = write.reduceSum(perSample, true, 0);
      if (before > 0) {
        sum = write.slice(sum, new long[] {2}, new long[] {1}, new long[] {END}, new long[] {1});
      }
      sums.add(write.reshape(sum, y[1], x[1], 1, columns));
    }
    return write.reshapeTo(
        sums.size() == 1 ? sums.get(0) : write.concat(2, sums), node.shapeOf(weight));
  }

  /** A gradient's shape is that of the tensor it belongs to. */
  private static List<Dimension> dimensions(NodeGradient node, String tensor) {
    return node.dimensions(tensor.equals(node.gradient()) ? node.output() : tensor);
  }

  private static long[] sizes(NodeGradient node, String tensor) {
    return dimensions(node, tensor).stream().mapToLong(Dimension::size).toArray();
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
