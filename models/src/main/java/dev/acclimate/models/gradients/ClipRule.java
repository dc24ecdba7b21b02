package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;

/**
 * {@code min(max(x, low), high)}. Within the bounds and on them the gradient goes to {@code x},
 * outside to the bound.
 */
final class ClipRule implements GradientRule {

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    if (node.wants(0)) {
      String kept = write.castToFloat(write.node("Equal", node.input(0), node.output()));
      node.give(0, write.mul(node.compactGradient(), kept));
    }
    if (node.wants(1)) {
      giveBound(node, 1, write.node("Less", node.input(0), node.input(1)));
    }
    if (node.wants(2)) {
      giveBound(node, 2, write.node("Greater", node.input(0), node.input(2)));
    }
  }

  private static void giveBound(NodeGradient node, int bound, String beyond) {
    OperatorWriter write = node.write();
    String part = write.mul(node.gradient(), write.castToFloat(beyond));
    node.give(bound, node.unbroadcast(part, node.input(bound)));
  }
}
