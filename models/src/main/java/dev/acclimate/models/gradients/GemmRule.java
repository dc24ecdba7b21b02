package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.List;

/** {@code Y = alpha A' B' + beta C}, where A' and B' may be transposed. */
final class GemmRule implements GradientRule {

  @Override
  public void backward(NodeGradient node) {
    String a = node.input(0);
    String b = node.input(1);
    String dy = node.gradient();
    boolean transA = node.integer("transA", 0) != 0;
    boolean transB = node.integer("transB", 0) != 0;
    float alpha = node.decimal("alpha", 1);
    if (node.wants(0)) {
      node.give(
          0,
          transA
              ? product(node, b, transB, dy, true, alpha)
              : product(node, dy, false, b, !transB, alpha));
    }
    if (node.wants(1)) {
      node.give(
          1,
          transB
              ? product(node, dy, true, a, transA, alpha)
              : product(node, a, !transA, dy, false, alpha));
    }
    if (node.wants(2)) {
      float beta = node.decimal("beta", 1);
      String sum = node.unbroadcast(dy, node.input(2));
      node.give(2, beta == 1 ? sum : node.write().mul(sum, node.write().constant(beta)));
    }
  }

  private static String product(
      NodeGradient node,
      String left,
      boolean transposeLeft,
      String right,
      boolean transposeRight,
      float alpha) {
    return node.write()
        .emit(
            "Gemm",
            List.of(left, right),
            OperatorWriter.integer("transA", transposeLeft ? 1 : 0),
            OperatorWriter.integer("transB", transposeRight ? 1 : 0),
            OperatorWriter.number("alpha", alpha));
  }
}
