package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.NodeAttributes;
import java.util.List;
import java.util.Optional;

/**
 * A function of one number that ONNX Runtime's convolutions apply to their results.
 *
 * @param operator its name
 * @param parameters in the order in which the runtime takes them
 */
record Activation(String operator, List<Float> parameters) {
  /** The function of a node, empty where convolutions cannot apply it. */
  static Optional<Activation> of(NodeProto node, Constants constants) {
    return switch (node.getOpType()) {
      case "Relu", "Sigmoid", "Tanh" -> Optional.of(new Activation(node.getOpType(), List.of()));
      case "LeakyRelu" -> Optional.of(with(node, NodeAttributes.decimal(node, "alpha", 0.01f)));
      case "HardSigmoid" ->
          Optional.of(
              with(
                  node,
                  NodeAttributes.decimal(node, "alpha", 0.2f),
                  NodeAttributes.decimal(node, "beta", 0.5f)));
      case "Clip" -> clip(node, constants);
      default -> Optional.empty();
    };
  }

  private static Activation with(NodeProto node, Float... parameters) {
    return new Activation(node.getOpType(), List.of(parameters));
  }

  private static Optional<Activation> clip(NodeProto node, Constants constants) {
    Optional<Float> least = bound(node, 1, "min", -Float.MAX_VALUE, constants);
    Optional<Float> most = bound(node, 2, "max", Float.MAX_VALUE, constants);
    return least.flatMap(low -> most.map(high -> with(node, low, high)));
  }

  /** A bound of Clip: an input, before operator set 11 an attribute; empty where it may change. */
  private static Optional<Float> bound(
      NodeProto node, int input, String attribute, float open, Constants constants) {
    if (node.getInputCount() > input && !node.getInput(input).isEmpty()) {
      return constants.scalar(node.getInput(input)).map(Double::floatValue);
    }
    return Optional.of(NodeAttributes.decimal(node, attribute, open));
  }
}
