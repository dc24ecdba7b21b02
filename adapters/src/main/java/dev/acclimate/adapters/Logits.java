package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A classifier's scores before the softmax.
 *
 * @param tensor float32 {@code [B, K]}
 * @param classes K
 */
record Logits(String tensor, int classes) {

  /**
   * Finds them: the output of that name, or the first; where it is a Softmax over the classes, what
   * goes into it.
   *
   * @param output an output's name, empty for the first
   * @throws InvalidInputException when there is no such output, or it is not {@code [B, K]}
   */
  static Logits of(OnnxModel model, String output) {
    TensorInfo found =
        output.isEmpty()
            ? model.outputs().get(0)
            : model.outputs().stream()
                .filter(candidate -> candidate.name().equals(output))
                .findFirst()
                .orElseThrow(() -> unknown(model, output));
    TensorInfo shape =
        isScores(found)
            ? found
            : model.infer(List.of(found.name())).getOrDefault(found.name(), found);
    if (!isScores(shape)) {
      throw new InvalidInputException(
          model.name()
              + ": learning while serving needs FP32 scores [batch, classes], found output "
              + shape
              + "; name another one with the companion's option output=NAME, one of "
              + names(model));
    }
    Dimension classes = shape.dimensions().get(1);
    return new Logits(beforeSoftmax(model, found.name()), Math.toIntExact(classes.size()));
  }

  private static boolean isScores(TensorInfo info) {
    return info.rank() == 2
        && info.type() == ElementType.FP32
        && info.dimensions().get(1).isFixed()
        && info.dimensions().get(1).size() > 1;
  }

  private static String beforeSoftmax(OnnxModel model, String tensor) {
    for (NodeProto node : model.graph().getNodeList()) {
      if (node.getOutputList().contains(tensor)
          && OnnxModel.isDefaultDomain(node.getDomain())
          && node.getOpType().equals("Softmax")
          && node.getAttributeList().stream()
              .mapToLong(AttributeProto::getI)
              .allMatch(i -> i != 0)) {
        return node.getInput(0);
      }
    }
    return tensor;
  }

  private static InvalidInputException unknown(OnnxModel model, String output) {
    return new InvalidInputException(
        model.name() + ": no output '" + output + "': expected one of " + names(model));
  }

  private static String names(OnnxModel model) {
    return model.outputs().stream().map(TensorInfo::name).collect(Collectors.joining(", "));
  }

  /**
   * What the classifier makes of each sample.
   *
   * @param probabilities {@code [B, K]}
   * @param entropy in nats, {@code [B]}
   */
  record Predictions(String probabilities, String entropy) {}

  Predictions predictions(OperatorWriter ops) {
    String log = ops.emit("LogSoftmax", List.of(tensor), OperatorWriter.integer("axis", 1));
    String probabilities = ops.node("Exp", log);
    String entropy = ops.node("Neg", ops.reduceSum(ops.mul(probabilities, log), false, 1));
    return new Predictions(probabilities, entropy);
  }

  /** Entropy of the uniform distribution, {@code ln K}. */
  double largestEntropy() {
    return Math.log(classes);
  }
}
