package dev.acclimate.models.gradients;

/** Operators that move elements without changing them. */
final class ShapeRules {
  private ShapeRules() {}

  /** Reshape, Flatten and their like: back to the input's shape. */
  static void reshape(NodeGradient node) {
    node.give(0, node.write().reshapeTo(node.gradient(), node.write().shape(node.input(0))));
  }
}
