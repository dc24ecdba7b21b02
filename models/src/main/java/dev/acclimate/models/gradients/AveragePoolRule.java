package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** Means over windows: each result spreads its gradient evenly over what it was the mean of. */
final class AveragePoolRule implements GradientRule {
  private static Window window(NodeGradient node) {
    return Window.of(node, node.integers("kernel_shape", 0, 0), node.input(0));
  }

  private static boolean countsPads(NodeGradient node) {
    return node.integer("count_include_pad", 0) != 0;
  }

  private static boolean roundsUp(NodeGradient node) {
    return node.integer("ceil_mode", 0) != 0;
  }

  @Override
  public void check(NodeGradient node) {
    window(node);
    if (countsPads(node) && roundsUp(node)) {
      throw node.unsupported("count_include_pad with ceil_mode, which runtimes read differently");
    }
  }

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    Window window = window(node);
    String share = write.constant(1f / window.elements());
    if (isGlobal(node, window)) {
      node.giveCompact(0, write.mul(node.gradient(), share));
      return;
    }
    String dy = node.gradient();
    if (!countsPads(node) && (window.isPadded() || roundsUp(node))) {
      dy = write.div(dy, partInside(node, window));
    }
    int axes = window.axes();
    long[] images = new long[axes + 2]; // 0: keep the size
    images[0] = -1;
    images[1] = 1;
    String spread =
        SpreadWindows.write(
            node,
            write.reshape(dy, images),
            averaging(write, window),
            window,
            1,
            node.output(),
            node.input(0));
    node.give(0, node.reshapeLike(spread, node.input(0)));
  }

  /** The kernel that takes means, {@code [1, 1, *kernel]}. */
  private static String averaging(OperatorWriter write, Window window) {
    float[] shares = new float[Math.toIntExact(window.elements())];
    Arrays.fill(shares, 1f / shares.length);
    long[] shape = LongStream.concat(LongStream.of(1, 1), Arrays.stream(window.kernel())).toArray();
    return write.constant(shares, shape);
  }

  /** One window over all of the image. */
  private static boolean isGlobal(NodeGradient node, Window window) {
    List<Dimension> sizes = node.dimensions(node.input(0));
    boolean whole = !window.isPadded();
    for (int axis = 0; axis < window.axes(); axis++) {
      whole &= window.dilations()[axis] == 1 && sizes.get(axis + 2).size() == window.kernel()[axis];
    }
    return whole;
  }

  /**
   * Of each window, the part that lies in the image, {@code [1, 1, *places]}: the mean of ones
   * there and zeros around, enough of them for the windows that rounding up adds.
   */
  private static String partInside(NodeGradient node, Window window) {
    OperatorWriter write = node.write();
    List<String> sizes = new ArrayList<>();
    sizes.add(write.constant(new long[] {1, 1}));
    for (int axis = 2; axis < node.shape(node.input(0)).rank(); axis++) {
      sizes.add(SelectionRules.sizeAt(node, node.input(0), axis));
    }
    String ones = write.expandTo(write.constant(1f), write.concat(0, sizes));
    long[] pads = window.imagePads();
    int axes = window.axes();
    for (int axis = 0; roundsUp(node) && axis < axes; axis++) {
      pads[axes + 4 + axis] += window.strides()[axis];
    }
    String means =
        write.emit(
            "Conv",
            List.of(write.pad(ones, pads), averaging(write, window)),
            OperatorWriter.integers("strides", window.strides()),
            OperatorWriter.integers("dilations", window.dilations()));
    String places = write.gather(write.shape(node.output()), window.imageAxes());
    return write.node(
        "Slice", means, write.constant(new long[axes]), places, write.constant(window.imageAxes()));
  }
}
