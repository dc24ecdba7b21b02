package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Convolution over any number of spatial axes: {@code x [B, C, *]}, weights {@code [O, C / group,
 * *kernel]}, bias {@code [O]}.
 *
 * <p>The input gradient is a convolution with the kernel flipped and its channels exchanged where
 * the stride is 1, since a ConvTranspose is seldom as well tuned; else a ConvTranspose.
 */
final class ConvRule implements GradientRule {
  /** Before the start of any axis, on the way back. */
  private static final long START = -Long.MAX_VALUE;

  private static Window window(NodeGradient node) {
    return Window.of(node, kernel(node), node.input(0));
  }

  private static long[] kernel(NodeGradient node) {
    return node.dimensions(node.input(1)).stream().skip(2).mapToLong(Dimension::size).toArray();
  }

  static void checkWeights(NodeGradient node) {
    if (!node.dimensions(node.input(1)).stream().allMatch(Dimension::isFixed)) {
      throw node.unsupported("weights of unknown shape " + node.shape(node.input(1)).shapeText());
    }
  }

  @Override
  public void check(NodeGradient node) {
    checkWeights(node);
    window(node);
  }

  @Override
  public void backward(NodeGradient node) {
    Window window = window(node);
    long groups = node.integer("group", 1);
    if (node.wants(2)) {
      node.give(2, ChannelSums.sum(node, node.gradient(), node.shape(node.output())));
    }
    if (node.wants(1)) {
      String weight = node.input(1);
      node.give(
          1, WeightGradient.write(node, node.gradient(), node.input(0), window, groups, weight));
    }
    if (node.wants(0)) {
      node.give(0, inputGradient(node, window, groups));
    }
  }

  private static String inputGradient(NodeGradient node, Window window, long groups) {
    long[] pads = window.oppositePads();
    if (!window.isDense() || Arrays.stream(pads).anyMatch(p -> p < 0)) {
      return SpreadWindows.write(
          node, node.gradient(), node.input(1), window, groups, node.output(), node.input(0));
    }
    return node.write()
        .emit(
            "Conv",
            List.of(node.gradient(), turned(node, window, groups)),
            OperatorWriter.integers("kernel_shape", window.kernel()),
            OperatorWriter.integers("dilations", window.dilations()),
            OperatorWriter.integers("pads", pads),
            OperatorWriter.integer("group", groups));
  }

  /** The weights that lead back: {@code [C, O / group, *kernel]}, the kernel flipped. */
  private static String turned(NodeGradient node, Window window, long groups) {
    OperatorWriter write = node.write();
    String kernel = exchanged(node, window, groups);
    if (window.elements() == 1) {
      return kernel;
    }
    int axes = window.axes();
    long[] back = LongStream.generate(() -> -1).limit(axes).toArray();
    long[] start = LongStream.generate(() -> START).limit(axes).toArray();
    return write.slice(kernel, window.imageAxes(), back, start, back);
  }

  private static String exchanged(NodeGradient node, Window window, long groups) {
    OperatorWriter write = node.write();
    int axes = window.axes();
    if (groups == 1) {
      long[] exchanged = LongStream.range(0, axes + 2).map(i -> i < 2 ? 1 - i : i).toArray();
      return write.transpose(node.input(1), exchanged);
    }
    List<Dimension> sizes = node.dimensions(node.input(1));
    long outputs = sizes.get(0).size() / groups;
    long inputs = sizes.get(1).size();
    String grouped = write.reshape(node.input(1), with(window.kernel(), groups, outputs, inputs));
    long[] exchanged =
        LongStream.range(0, axes + 3).map(i -> i == 1 || i == 2 ? 3 - i : i).toArray();
    return write.reshape(
        write.transpose(grouped, exchanged), with(window.kernel(), groups * inputs, outputs));
  }

  private static long[] with(long[] kernel, long... leading) {
    return LongStream.concat(Arrays.stream(leading), Arrays.stream(kernel)).toArray();
  }
}
