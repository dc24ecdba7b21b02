package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Normalize-and-Project: Lyle et al., NeurIPS 2024, "Normalization and effective learning rates in
 * reinforcement learning". Behind a normalization the size of a weight tensor changes nothing about
 * the output, but the larger it grows the less a step turns it: the effective rate is {@code rate /
 * ||W||^2}. So every hidden layer's weights are brought back to the Frobenius norm they started
 * with, and the rate stays what the schedule says.
 *
 * <p>The output layer is left alone. Where a normalization's output goes into homogeneous
 * activations alone (Relu, LeakyRelu), its scale and offset are rescaled together to the norm they
 * started with; elsewhere they are pulled towards their starting values.
 *
 * @param every steps between projections; the paper finds 1 and 1,000 nearly the same
 * @param pull part of the distance to the start, per unit of the learning rate, that scale and
 *     offset lose in a step where they are not rescaled
 */
public record Nap(int every, double pull) {
  /** What users write. */
  public static final String NAME = "nap";

  private static final Set<String> HOMOGENEOUS = Set.of("Relu", "LeakyRelu");

  /** Below this norm there is no direction left to scale. */
  private static final float SMALLEST = 1e-12f;

  /**
   * Reads {@code nap[every=1;pull=0.01]}.
   *
   * @throws InvalidInputException when an option is unknown or out of range
   */
  public static Nap read(MethodSpec spec) {
    OptionReader options = new OptionReader(spec);
    Nap nap =
        new Nap(
            options.integer("every", 1, 1, Integer.MAX_VALUE),
            options.number("pull", 0.01, 0, false, Double.MAX_VALUE));
    options.done();
    return nap;
  }

  Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("every", Integer.toString(every));
    options.put("pull", Double.toString(pull));
    return options;
  }

  @Override
  public String toString() {
    return new MethodSpec(NAME, options(), List.of()).toString();
  }

  /** True where scale and offset behind which {@code tensor} lies can be rescaled together. */
  public static boolean feedsHomogeneousAlone(OnnxModel model, String tensor) {
    List<NodeProto> readers =
        model.graph().getNodeList().stream()
            .filter(node -> node.getInputList().contains(tensor))
            .toList();
    return !readers.isEmpty()
        && readers.stream().allMatch(node -> HOMOGENEOUS.contains(node.getOpType()))
        && model.graph().getOutputList().stream().noneMatch(o -> o.getName().equals(tensor));
  }

  /** What brings a vector back to a norm when it is multiplied by it, {@code [1]}. */
  public static String factor(OperatorWriter ops, String vector, double norm) {
    String found = ops.max(ops.reduceL2(vector, true, 0), ops.constant(SMALLEST));
    return ops.div(ops.constant((float) norm), found);
  }

  /** The projected value in every n-th step, else the other; steps are counted from 1. */
  public String inTurn(OperatorWriter ops, String steps, String projected, String free) {
    if (every == 1) {
      return projected;
    }
    String period = ops.constant((float) every);
    String turns = ops.node("Floor", ops.div(steps, period));
    String left = ops.sub(steps, ops.mul(turns, period));
    return ops.node("Where", ops.node("Less", left, ops.constant(0.5f)), projected, free);
  }
}
