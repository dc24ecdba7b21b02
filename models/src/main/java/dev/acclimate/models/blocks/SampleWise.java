package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OnnxModel;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/** Tells which operators take each sample by itself, the samples being along the first axis. */
final class SampleWise {
  private static final Set<String> OF_ONE_TENSOR =
      Set.of(
          "AveragePool",
          "BatchNormalization",
          "Conv",
          "ConvTranspose",
          "GlobalAveragePool",
          "MaxPool");
  private static final Set<String> OF_TWO_TENSORS = Set.of("Add", "Div", "Mul", "Sub");
  private static final int RANK = 4;

  private final Constants constants;

  SampleWise(Constants constants) {
    this.constants = constants;
  }

  /**
   * The inputs of a node that have samples, or may have: the first {@code n} of them. What follows
   * is the same for all samples.
   *
   * @return 0 where samples concern one another, or may do so
   */
  int inputs(NodeProto node) {
    String operator = node.getOpType();
    if (!OnnxModel.isDefaultDomain(node.getDomain()) || node.getOutputCount() != 1) {
      return 0;
    }
    if (OF_TWO_TENSORS.contains(operator)) {
      return 2;
    }
    boolean joins = operator.equals("Concat");
    boolean apart =
        switch (operator) {
          case "BatchNormalization" -> !NodeAttributes.isTraining(node);
          case "Concat" -> isOther(NodeAttributes.integer(node, "axis", 0));
          case "ReduceMean", "ReduceSum" -> areOthers(constants.reducedAxes(node));
          case "Slice" ->
              node.getInputCount() > 3 && areOthers(constants.integers(node.getInput(3)));
          case "Pad" -> node.getInputCount() > 1 && node.getInputCount() < 4 && padsOthers(node);
          default ->
              OF_ONE_TENSOR.contains(operator) || ElementwiseLowering.FUNCTIONS.contains(operator);
        };
    if (!apart) {
      return 0;
    }
    return joins ? node.getInputCount() : 1;
  }

  private boolean padsOthers(NodeProto node) {
    Optional<long[]> pads = constants.integers(node.getInput(1));
    return pads.isPresent()
        && pads.get().length == 2 * RANK
        && pads.get()[0] == 0
        && pads.get()[RANK] == 0;
  }

  private static boolean areOthers(Optional<long[]> axes) {
    return axes.isPresent()
        && axes.get().length > 0
        && Arrays.stream(axes.get()).allMatch(SampleWise::isOther);
  }

  private static boolean isOther(long axis) {
    return axis != 0 && axis != -RANK;
  }
}
