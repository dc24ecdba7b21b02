package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Transposed convolution: {@code x [B, C, *]}, weights {@code [C, O / group, *kernel]}, bias {@code
 * [O]}. It is a convolution's way back, so its own is the convolution.
 */
final class ConvTransposeRule implements GradientRule {

  private static Window window(NodeGradient node) {
    long[] kernel =
        node.dimensions(node.input(1)).stream().skip(2).mapToLong(Dimension::size).toArray();
    return Window.of(node, kernel, node.output());
  }

  @Override
  public void check(NodeGradient node) {
    ConvRule.checkWeights(node);
    String padding = node.text("auto_pad", "NOTSET");
    if (node.attribute("output_shape") != null || padding.startsWith("SAME")) {
      throw node.unsupported("output_shape or auto_pad " + padding + ": expected explicit pads");
    }
    Window window = window(node);
    long[] rest = node.integers("output_padding", window.axes(), 0);
    if (IntStream.range(0, rest.length).anyMatch(a -> rest[a] >= window.strides()[a])) {
      throw node.unsupported("output_padding as large as the stride");
    }
  }

  @Override
  public void backward(NodeGradient node) {
    Window window = window(node);
    long groups = node.integer("group", 1);
    String dy = node.gradient();
    if (node.wants(2)) {
      node.give(2, ChannelSums.sum(node, dy, node.shape(node.output())));
    }
    if (node.wants(1)) {
      node.give(1, WeightGradient.write(node, node.input(0), dy, window, groups, node.input(1)));
    }
    if (node.wants(0)) {
      node.give(
          0,
          node.write()
              .emit(
                  "Conv",
                  List.of(dy, node.input(1)),
                  OperatorWriter.integers("kernel_shape", window.kernel()),
                  OperatorWriter.integers("strides", window.strides()),
                  OperatorWriter.integers("dilations", window.dilations()),
                  OperatorWriter.integers("pads", window.pads()),
                  OperatorWriter.integer("group", groups)));
    }
  }
}
