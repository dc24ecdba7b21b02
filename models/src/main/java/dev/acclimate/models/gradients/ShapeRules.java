package dev.acclimate.models.gradients;

import java.util.stream.LongStream;

/** Operators that arrange or repeat elements without changing them. */
final class ShapeRules {
  private ShapeRules() {}

  /** Reshape, Flatten, Squeeze, Unsqueeze: back to the input's shape. */
  static void reshape(NodeGradient node) {
    node.give(0, node.reshapeLike(node.gradient(), node.input(0)));
  }

  static void transpose(NodeGradient node) {
    int rank = node.shape(node.input(0)).rank();
    long[] permutation = node.integers("perm", 0, 0);
    if (permutation.length == 0) {
      permutation = LongStream.range(0, rank).map(i -> rank - 1 - i).toArray();
    }
    long[] inverse = new long[rank];
    for (int i = 0; i < rank; i++) {
      inverse[Math.toIntExact(permutation[i])] = i;
    }
    node.give(0, node.write().transpose(node.gradient(), inverse));
  }

  static void expand(NodeGradient node) {
    node.give(0, node.unbroadcast(node.gradient(), node.input(0)));
  }
}
