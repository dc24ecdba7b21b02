package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.List;

/**
 * {@code min(max(x, low), high)}. Within the bounds the gradient goes to {@code x}, outside to the
 * bound. On constant bounds it goes nowhere, as at 0 of a Relu; on others to {@code x}.
 */
final class ClipRule implements GradientRule {
  /** A power of 2, so that products with it are exact. */
  private static final float STEEP = 0x1p100f;

  private static final float LARGEST_BOUND = 0x1p20f;

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    if (node.wants(0)) {
      node.give(0, passed(node));
    }
    if (node.wants(1)) {
      giveBound(node, 1, write.node("Less", node.input(0), node.input(1)));
    }
    if (node.wants(2)) {
      giveBound(node, 2, write.node("Greater", node.input(0), node.input(2)));
    }
  }

  private static String passed(NodeGradient node) {
    OperatorWriter write = node.write();
    if (!hasConstantBounds(node)) {
      String kept = write.castToFloat(write.node("Equal", node.input(0), node.output()));
      return write.mul(node.compactGradient(), kept);
    }
    String passed = node.compactGradient();
    for (int bound = 1; bound <= 2; bound++) {
      if (node.hasInput(bound)) {
        float value = node.constants().scalar(node.input(bound)).orElseThrow().floatValue();
        passed = write.mul(passed, isInside(node, bound == 1 ? STEEP : -STEEP, value));
      }
    }
    return passed;
  }

  private static boolean hasConstantBounds(NodeGradient node) {
    for (int bound = 1; bound <= 2; bound++) {
      if (node.hasInput(bound)
          && Math.abs(node.constants().scalar(node.input(bound)).orElse(Double.MAX_VALUE))
              > LARGEST_BOUND) {
        return false;
      }
    }
    return true;
  }

  /** 1 where the result is on the slope's side of a bound, else 0: a steep slope, clipped. */
  private static String isInside(NodeGradient node, float slope, float bound) {
    return node.write()
        .emit(
            "HardSigmoid",
            List.of(node.output()),
            OperatorWriter.number("alpha", slope),
            OperatorWriter.number("beta", -slope * bound));
  }

  private static void giveBound(NodeGradient node, int bound, String beyond) {
    OperatorWriter write = node.write();
    String part = write.mul(node.gradient(), write.castToFloat(beyond));
    node.give(bound, node.unbroadcast(part, node.input(bound)));
  }
}
