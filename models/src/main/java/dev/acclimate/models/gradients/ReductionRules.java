package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.List;

/** Operators that sum or average over axes. */
final class ReductionRules {
  private ReductionRules() {}

  static void reduceSum(NodeGradient node) {
    node.give(0, spread(node));
  }

  static void reduceMean(NodeGradient node) {
    node.give(0, node.write().mul(spread(node), share(node)));
  }

  static void globalAveragePool(NodeGradient node) {
    OperatorWriter write = node.write();
    String part = write.mul(node.gradient(), share(node));
    node.give(0, write.expandTo(part, write.shape(node.input(0))));
  }

  /** What one input element contributes to a mean: output elements over input elements. */
  private static String share(NodeGradient node) {
    OperatorWriter write = node.write();
    String outputs = write.castToFloat(write.node("Size", node.output()));
    String inputs = write.castToFloat(write.node("Size", node.input(0)));
    return write.div(outputs, inputs);
  }

  /** The gradient repeated along the reduced axes. */
  private static String spread(NodeGradient node) {
    OperatorWriter write = node.write();
    String gradient = node.gradient();
    int rank = node.shape(node.input(0)).rank();
    if (node.integer("keepdims", 1) == 0) {
      AttributeProto axes = node.attribute("axes");
      if (axes != null) {
        long[] values = axes.getIntsList().stream().mapToLong(Long::longValue).toArray();
        gradient = write.node("Unsqueeze", gradient, write.constant(values));
      } else if (node.hasInput(1)) {
        gradient = write.node("Unsqueeze", gradient, node.input(1));
      } else {
        long[] ones = new long[rank];
        Arrays.fill(ones, 1);
        gradient = write.reshape(gradient, ones);
      }
    }
    return write.expandTo(gradient, write.shape(node.input(0)));
  }

  static void logSoftmax(NodeGradient node) {
    OperatorWriter write = node.write();
    long axis = node.integer("axis", -1);
    String sum = write.reduceSum(node.gradient(), true, axis);
    String softmax = write.emit("Exp", List.of(node.output()));
    node.give(0, write.sub(node.gradient(), write.mul(softmax, sum)));
  }
}
