package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.List;

/**
 * Functions of one number, applied to each: the gradient times the slope. Slopes are written in
 * terms of the result {@code y} where that is cheaper than in terms of {@code x}.
 */
final class ActivationRules {
  private static final float TWO_OVER_ROOT_PI = (float) (2 / Math.sqrt(Math.PI));

  /** About the largest float32. */
  private static final float STEEP = 3e38f;

  private ActivationRules() {}

  private static void giveTimes(NodeGradient node, String slope) {
    node.give(0, node.write().mul(node.compactGradient(), slope));
  }

  private static String constant(NodeGradient node, double value) {
    return node.write().constant((float) value);
  }

  /** 1 where a > b, else 0. */
  private static String greater(NodeGradient node, String a, String b) {
    return node.write().castToFloat(node.write().node("Greater", a, b));
  }

  private static String square(OperatorWriter write, String a) {
    return write.mul(a, a);
  }

  /** At 0 the slope is 0. */
  static void abs(NodeGradient node) {
    giveTimes(node, node.write().node("Sign", node.input(0)));
  }

  /** At 0 the slope is 0. */
  static void relu(NodeGradient node) {
    giveTimes(node, isPositive(node, node.output()));
  }

  /**
   * 1 where a >= 0 is positive, else 0: a steep slope, clipped, is one pass over the numbers, where
   * Greater and Cast are two and take twice as long on a CPU, Where and Sign longer still. Only
   * numbers below 1 / 3e38, which float32 holds in part if at all, come out in between.
   */
  private static String isPositive(NodeGradient node, String a) {
    return node.write()
        .emit(
            "HardSigmoid",
            List.of(a),
            OperatorWriter.number("alpha", STEEP),
            OperatorWriter.number("beta", 0));
  }

  /** At 0 the slope is that of negative numbers. */
  static void leakyRelu(NodeGradient node) {
    float alpha = node.decimal("alpha", 0.01f);
    OperatorWriter write = node.write();
    String positive = greater(node, node.input(0), constant(node, 0));
    String steps = write.mul(positive, constant(node, 1 - alpha));
    giveTimes(node, write.add(steps, constant(node, alpha)));
  }

  /** {@code x} where positive, else {@code slope * x}; at 0 the slope is 1. */
  static void parametricRelu(NodeGradient node) {
    OperatorWriter write = node.write();
    String dy = node.gradient();
    String zero = constant(node, 0);
    if (node.wants(0)) {
      String negative = write.node("Less", node.input(0), zero);
      node.give(0, write.node("Where", negative, write.mul(dy, node.input(1)), dy));
    }
    if (node.wants(1)) {
      String below = write.node("Min", node.input(0), zero);
      node.give(1, node.unbroadcast(write.mul(dy, below), node.input(1)));
    }
  }

  /** {@code alpha (exp(x) - 1)} below 0: there the slope is {@code y + alpha}. */
  static void elu(NodeGradient node) {
    OperatorWriter write = node.write();
    String negative = write.node("Less", node.input(0), constant(node, 0));
    String below = write.add(node.output(), constant(node, node.decimal("alpha", 1)));
    giveTimes(node, write.node("Where", negative, below, constant(node, 1)));
  }

  static void softplus(NodeGradient node) {
    giveTimes(node, node.write().node("Sigmoid", node.input(0)));
  }

  static void exp(NodeGradient node) {
    giveTimes(node, node.output());
  }

  static void log(NodeGradient node) {
    node.give(0, node.write().div(node.compactGradient(), node.input(0)));
  }

  static void sqrt(NodeGradient node) {
    OperatorWriter write = node.write();
    node.give(0, write.div(write.mul(node.compactGradient(), constant(node, 0.5)), node.output()));
  }

  static void reciprocal(NodeGradient node) {
    giveTimes(node, node.write().node("Neg", square(node.write(), node.output())));
  }

  static void sigmoid(NodeGradient node) {
    OperatorWriter write = node.write();
    giveTimes(node, write.mul(node.output(), write.sub(constant(node, 1), node.output())));
  }

  static void tanh(NodeGradient node) {
    OperatorWriter write = node.write();
    giveTimes(node, write.sub(constant(node, 1), square(write, node.output())));
  }

  /** {@code alpha x + beta}, clipped to [0, 1]; in the corners the slope is 0. */
  static void hardSigmoid(NodeGradient node) {
    float alpha = node.decimal("alpha", 0.2f);
    giveTimes(node, node.write().mul(inside(node, node.output()), constant(node, alpha)));
  }

  /** 1 where 0 < h < 1, else 0. */
  private static String inside(NodeGradient node, String h) {
    String above = greater(node, h, constant(node, 0));
    return node.write().mul(above, greater(node, constant(node, 1), h));
  }

  /** {@code x h(x)} with {@code h} the hard sigmoid of slope 1/6 and offset 1/2. */
  static void hardSwish(NodeGradient node) {
    OperatorWriter write = node.write();
    String h =
        write.emit(
            "HardSigmoid",
            List.of(node.input(0)),
            OperatorWriter.number("alpha", 1f / 6),
            OperatorWriter.number("beta", 0.5f));
    String rise = write.mul(write.mul(node.input(0), inside(node, h)), constant(node, 1 / 6.0));
    giveTimes(node, write.add(h, rise));
  }

  static void erf(NodeGradient node) {
    OperatorWriter write = node.write();
    String bell = write.node("Exp", write.node("Neg", square(write, node.input(0))));
    giveTimes(node, write.mul(bell, constant(node, TWO_OVER_ROOT_PI)));
  }

  /** {@code x Phi(x)}, with the normal distribution's Phi or its approximation by tanh. */
  static void gelu(NodeGradient node) {
    giveTimes(
        node,
        node.text("approximate", "none").equals("tanh")
            ? approximateGeluSlope(node)
            : geluSlope(node));
  }

  /** {@code Phi(x) + x phi(x)}. */
  private static String geluSlope(NodeGradient node) {
    OperatorWriter write = node.write();
    String x = node.input(0);
    String erf = write.node("Erf", write.mul(x, constant(node, Math.sqrt(0.5))));
    String share = write.mul(write.add(erf, constant(node, 1)), constant(node, 0.5));
    String bell = write.node("Exp", write.mul(square(write, x), constant(node, -0.5)));
    String density = write.mul(bell, constant(node, 1 / Math.sqrt(2 * Math.PI)));
    return write.add(share, write.mul(x, density));
  }

  /** {@code (1 + t) / 2 + x (1 - t^2) u' / 2}, t = tanh(u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
  private static String approximateGeluSlope(NodeGradient node) {
    OperatorWriter write = node.write();
    String x = node.input(0);
    double root = Math.sqrt(2 / Math.PI);
    double cubic = 0.044715 * root;
    String squared = square(write, x);
    String u =
        write.mul(x, write.add(write.mul(squared, constant(node, cubic)), constant(node, root)));
    String t = write.node("Tanh", u);
    String rise = write.add(write.mul(squared, constant(node, 3 * cubic)), constant(node, root));
    String flat = write.sub(constant(node, 1), square(write, t));
    String bent = write.mul(write.mul(x, flat), rise);
    String sum = write.add(write.add(t, constant(node, 1)), bent);
    return write.mul(sum, constant(node, 0.5));
  }
}
