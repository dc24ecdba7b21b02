package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Map;
import java.util.Set;

/** The operators that can be differentiated, each with its rule. */
final class GradientRules {
  /** Results that do not change with small changes of the inputs: gradients end here. */
  private static final Set<String> CONSTANT =
      Set.of("Shape", "Size", "ArgMax", "ArgMin", "Equal", "Greater", "Less", "NonZero", "OneHot");

  private static final Map<String, GradientRule> RULES =
      Map.ofEntries(
          Map.entry("Add", ElementwiseRules::add),
          Map.entry("BatchNormalization", new BatchNormalizationRule()),
          Map.entry("Conv", new ConvRule()),
          Map.entry("Flatten", ShapeRules::reshape),
          Map.entry("Gemm", new GemmRule()),
          Map.entry("GlobalAveragePool", ReductionRules::globalAveragePool),
          Map.entry("Identity", ElementwiseRules::identity),
          Map.entry("LogSoftmax", ReductionRules::logSoftmax),
          Map.entry("Mul", ElementwiseRules::mul),
          Map.entry("Neg", ElementwiseRules::neg),
          Map.entry("ReduceMean", ReductionRules::reduceMean),
          Map.entry("ReduceSum", ReductionRules::reduceSum),
          Map.entry("Relu", ElementwiseRules::relu),
          Map.entry("Reshape", ShapeRules::reshape),
          Map.entry("Sub", ElementwiseRules::sub));

  private GradientRules() {}

  /**
   * @throws dev.acclimate.models.InvalidInputException when there is none
   */
  static GradientRule of(NodeProto node) {
    GradientRule rule = isDefaultDomain(node) ? RULES.get(node.getOpType()) : null;
    if (rule == null) {
      throw Backpropagation.noRule(
          node,
          isDefaultDomain(node)
              ? "no gradient rule for this operator"
              : "no gradient rule for operators of domain " + node.getDomain());
    }
    return rule;
  }

  static boolean isConstant(NodeProto node) {
    return isDefaultDomain(node) && CONSTANT.contains(node.getOpType());
  }

  private static boolean isDefaultDomain(NodeProto node) {
    return node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx");
  }
}
