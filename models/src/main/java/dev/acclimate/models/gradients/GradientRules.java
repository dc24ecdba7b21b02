package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Map;
import java.util.Set;

/** The operators that can be differentiated, each with its rule. */
final class GradientRules {
  /** Results that do not change with small changes of the inputs: gradients end here. */
  private static final Set<String> CONSTANT =
      Set.of(
          "ArgMax",
          "ArgMin",
          "Ceil",
          "ConstantOfShape",
          "Equal",
          "EyeLike",
          "Floor",
          "Greater",
          "GreaterOrEqual",
          "IsInf",
          "IsNaN",
          "Less",
          "LessOrEqual",
          "NonZero",
          "OneHot",
          "Round",
          "Shape",
          "Sign",
          "Size");

  private static final Map<String, GradientRule> RULES =
      Map.ofEntries(
          Map.entry("Abs", ActivationRules::abs),
          Map.entry("Add", ElementwiseRules::add),
          Map.entry("AveragePool", new AveragePoolRule()),
          Map.entry("BatchNormalization", new BatchNormalizationRule()),
          Map.entry("Cast", ElementwiseRules::identity),
          Map.entry("Clip", new ClipRule()),
          Map.entry("Concat", SelectionRules::concat),
          Map.entry("Conv", new ConvRule()),
          Map.entry("ConvTranspose", new ConvTransposeRule()),
          Map.entry("Div", ElementwiseRules::div),
          Map.entry("Dropout", new DropoutRule()),
          Map.entry("Elu", ActivationRules::elu),
          Map.entry("Erf", ActivationRules::erf),
          Map.entry("Exp", ActivationRules::exp),
          Map.entry("Expand", ShapeRules::expand),
          Map.entry("Flatten", ShapeRules::reshape),
          Map.entry("Gather", new GatherRule()),
          Map.entry("Gelu", ActivationRules::gelu),
          Map.entry("Gemm", new GemmRule()),
          Map.entry("GlobalAveragePool", ReductionRules::globalAveragePool),
          Map.entry("GroupNormalization", StandardizationRules::group),
          Map.entry("HardSigmoid", ActivationRules::hardSigmoid),
          Map.entry("HardSwish", ActivationRules::hardSwish),
          Map.entry("Identity", ElementwiseRules::identity),
          Map.entry("InstanceNormalization", StandardizationRules::instance),
          Map.entry("LayerNormalization", StandardizationRules::layer),
          Map.entry("LeakyRelu", ActivationRules::leakyRelu),
          Map.entry("Log", ActivationRules::log),
          Map.entry("LogSoftmax", ReductionRules::logSoftmax),
          Map.entry("MatMul", new MatMulRule()),
          Map.entry("Max", ElementwiseRules::extremum),
          Map.entry("MaxPool", new MaxPoolRule()),
          Map.entry("Min", ElementwiseRules::extremum),
          Map.entry("Mul", ElementwiseRules::mul),
          Map.entry("Neg", ElementwiseRules::neg),
          Map.entry("PRelu", ActivationRules::parametricRelu),
          Map.entry("Pad", new PadRule()),
          Map.entry("Pow", ElementwiseRules::pow),
          Map.entry("Reciprocal", ActivationRules::reciprocal),
          Map.entry("ReduceL2", ReductionRules::reduceL2),
          Map.entry("ReduceMax", ReductionRules::reduceExtremum),
          Map.entry("ReduceMean", ReductionRules::reduceMean),
          Map.entry("ReduceMin", ReductionRules::reduceExtremum),
          Map.entry("ReduceSum", ReductionRules::reduceSum),
          Map.entry("Relu", ActivationRules::relu),
          Map.entry("Reshape", ShapeRules::reshape),
          Map.entry("Sigmoid", ActivationRules::sigmoid),
          Map.entry("Slice", new SliceRule()),
          Map.entry("Softmax", ReductionRules::softmax),
          Map.entry("Softplus", ActivationRules::softplus),
          Map.entry("Split", new SplitRule()),
          Map.entry("Sqrt", ActivationRules::sqrt),
          Map.entry("Squeeze", ShapeRules::reshape),
          Map.entry("Sub", ElementwiseRules::sub),
          Map.entry("Sum", ElementwiseRules::add),
          Map.entry("Tanh", ActivationRules::tanh),
          Map.entry("Transpose", ShapeRules::transpose),
          Map.entry("Unsqueeze", ShapeRules::reshape),
          Map.entry("Where", ElementwiseRules::where));

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

  static boolean isOperator(NodeProto node, String operator) {
    return isDefaultDomain(node) && node.getOpType().equals(operator);
  }

  private static boolean isDefaultDomain(NodeProto node) {
    return node.getDomain().isEmpty() || node.getDomain().equals("ai.onnx");
  }
}
