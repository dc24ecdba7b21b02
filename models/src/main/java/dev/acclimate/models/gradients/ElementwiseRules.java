package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.Optional;
import java.util.stream.IntStream;

/** Operators that combine tensors element by element, with broadcasting undone. */
final class ElementwiseRules {
  private ElementwiseRules() {}

  static void identity(NodeGradient node) {
    node.give(0, node.gradient());
  }

  static void neg(NodeGradient node) {
    node.give(0, node.write().node("Neg", node.gradient()));
  }

  private static void give(NodeGradient node, int index, String contribution) {
    node.give(index, node.unbroadcast(contribution, node.input(index)));
  }

  /** Add, and Sum of any number of tensors. */
  static void add(NodeGradient node) {
    for (int i = 0; i < node.inputs(); i++) {
      if (node.wants(i)) {
        give(node, i, node.gradient());
      }
    }
  }

  static void sub(NodeGradient node) {
    if (node.wants(0)) {
      give(node, 0, node.gradient());
    }
    if (node.wants(1)) {
      String sum = node.unbroadcast(node.gradient(), node.input(1));
      node.give(1, node.write().node("Neg", sum));
    }
  }

  static void mul(NodeGradient node) {
    OperatorWriter write = node.write();
    if (node.input(0).equals(node.input(1))) {
      String twice = write.mul(node.compactGradient(), write.constant(2f));
      node.give(0, write.mul(twice, node.input(0)));
      return;
    }
    for (int i = 0; i < 2; i++) {
      if (node.wants(i)) {
        give(node, i, write.mul(node.gradient(), node.input(1 - i)));
      }
    }
  }

  static void div(NodeGradient node) {
    OperatorWriter write = node.write();
    String part = write.div(node.gradient(), node.input(1));
    if (node.wants(0)) {
      give(node, 0, part);
    }
    if (node.wants(1)) {
      String sum = node.unbroadcast(write.mul(part, node.output()), node.input(1));
      node.give(1, write.node("Neg", sum));
    }
  }

  /** Of the base, {@code b a^(b-1)}, 0 where b is 0; of the exponent, {@code y log a}. */
  static void pow(NodeGradient node) {
    OperatorWriter write = node.write();
    String base = node.input(0);
    if (node.wants(0)) {
      Optional<Double> exponent = node.constants().scalar(node.input(1));
      if (exponent.filter(e -> e == 2).isPresent() && isShapedLikeOutput(node, 0)) {
        String twice = write.mul(node.compactGradient(), write.constant(2f));
        node.give(0, write.mul(twice, base));
      } else {
        String b = write.castToFloat(node.input(1));
        String power = write.pow(base, write.sub(b, write.constant(1f)));
        String isZero = write.node("Equal", b, write.constant(0f));
        String slope = write.node("Where", isZero, write.constant(0f), write.mul(b, power));
        give(node, 0, write.mul(node.gradient(), slope));
      }
    }
    if (node.wants(1)) {
      String positive = write.node("Greater", base, write.constant(0f));
      String log = write.node("Log", write.node("Where", positive, base, write.constant(1f)));
      give(node, 1, write.mul(node.gradient(), write.mul(node.output(), log)));
    }
  }

  private static boolean isShapedLikeOutput(NodeGradient node, int input) {
    return node.dimensions(node.input(input)).size() == node.dimensions(node.output()).size();
  }

  static void where(NodeGradient node) {
    OperatorWriter write = node.write();
    String zero = write.constant(0f);
    if (node.wants(1)) {
      give(node, 1, write.node("Where", node.input(0), node.gradient(), zero));
    }
    if (node.wants(2)) {
      give(node, 2, write.node("Where", node.input(0), zero, node.gradient()));
    }
  }

  /** Max and Min. Where several inputs are equal the gradient goes to the first of them. */
  static void extremum(NodeGradient node) {
    OperatorWriter write = node.write();
    int last = IntStream.range(0, node.inputs()).filter(node::wants).max().orElse(-1);
    String rest = node.gradient();
    for (int i = 0; i <= last; i++) {
      String chosen = write.castToFloat(write.node("Equal", node.input(i), node.output()));
      String part = write.mul(rest, chosen);
      if (node.wants(i)) {
        give(node, i, part);
      }
      if (i < last) {
        rest = write.sub(rest, part);
      }
    }
  }
}
