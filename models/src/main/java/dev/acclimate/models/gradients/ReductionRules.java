package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Operators that sum, average or compare over axes. Gradients go back unrepeated where they can:
 * what they meet next is mostly a product.
 */
final class ReductionRules {
  private ReductionRules() {}

  static void reduceSum(NodeGradient node) {
    node.giveCompact(0, restored(node, node.gradient()));
  }

  static void reduceMean(NodeGradient node) {
    OperatorWriter write = node.write();
    String part = write.div(node.gradient(), count(node));
    node.giveCompact(0, restored(node, part));
  }

  /** The norm's gradient is the unit vector, 0 where the norm is. */
  static void reduceL2(NodeGradient node) {
    OperatorWriter write = node.write();
    String zero = write.constant(0f);
    String isZero = write.node("Equal", node.output(), zero);
    String norm = write.node("Where", isZero, write.constant(1f), node.output());
    String part = restored(node, write.div(node.gradient(), norm));
    node.give(0, write.mul(node.input(0), part));
  }

  /** ReduceMax and ReduceMin. Equal extremes share the gradient evenly. */
  static void reduceExtremum(NodeGradient node) {
    OperatorWriter write = node.write();
    String extreme = restored(node, node.output());
    String chosen = write.castToFloat(write.node("Equal", node.input(0), extreme));
    node.give(0, write.mul(chosen, write.div(restored(node, node.gradient()), ties(node, chosen))));
  }

  private static String ties(NodeGradient node, String chosen) {
    OperatorWriter write = node.write();
    Optional<int[]> axes = axes(node);
    if (axes.isEmpty()) {
      return write.reduceSumOver(chosen, true, node.input(1));
    }
    long[] known = Arrays.stream(axes.get()).asLongStream().toArray();
    return known.length == 0 ? write.constant(1f) : write.reduceSum(chosen, true, known);
  }

  static void globalAveragePool(NodeGradient node) {
    OperatorWriter write = node.write();
    int[] places = IntStream.range(2, node.shape(node.input(0)).rank()).toArray();
    String count = node.elements(node.input(0), places);
    node.giveCompact(0, write.div(node.compactGradient(), count));
  }

  /** Elements that one result was made of, a float32 scalar. */
  private static String count(NodeGradient node) {
    OperatorWriter write = node.write();
    Optional<int[]> axes = axes(node);
    if (axes.isPresent()) {
      return node.elements(node.input(0), axes.get());
    }
    String inputs = write.castToFloat(write.node("Size", node.input(0)));
    return write.div(inputs, write.castToFloat(write.node("Size", node.output())));
  }

  /** The reduced axes, empty where only the run tells. */
  private static Optional<int[]> axes(NodeGradient node) {
    int rank = node.shape(node.input(0)).rank();
    AttributeProto attribute = node.attribute("axes");
    long[] axes = new long[0];
    if (attribute != null) {
      axes = node.integers("axes", 0, 0);
    } else if (node.hasInput(1)) {
      Optional<long[]> constant = node.constants().integers(node.input(1));
      if (constant.isEmpty()) {
        return Optional.empty();
      }
      axes = constant.get();
    }
    if (axes.length == 0) {
      boolean none = node.integer("noop_with_empty_axes", 0) != 0;
      return Optional.of(none ? new int[0] : IntStream.range(0, rank).toArray());
    }
    return Optional.of(Arrays.stream(axes).mapToInt(a -> NodeGradient.axis(a, rank)).toArray());
  }

  /** What has the result's shape, with the reduced axes back at size 1. */
  private static String restored(NodeGradient node, String tensor) {
    if (node.integer("keepdims", 1) != 0) {
      return tensor;
    }
    OperatorWriter write = node.write();
    Optional<int[]> axes = axes(node);
    if (axes.isEmpty()) {
      return write.node("Unsqueeze", tensor, node.input(1));
    }
    long[] sizes = node.dimensions(node.input(0)).stream().mapToLong(Dimension::size).toArray();
    for (int axis : axes.get()) {
      sizes[axis] = 1;
    }
    if (Arrays.stream(sizes).filter(size -> size < 0).count() <= 1) {
      return write.reshape(tensor, sizes);
    }
    String whole = tensor;
    for (int axis : Arrays.stream(axes.get()).sorted().toArray()) {
      whole = write.unsqueeze(whole, axis);
    }
    return whole;
  }

  static void softmax(NodeGradient node) {
    OperatorWriter write = node.write();
    String weighted = write.mul(node.gradient(), node.output());
    String sum = write.reduceSum(weighted, true, softmaxAxes(node));
    node.give(0, write.sub(weighted, write.mul(node.output(), sum)));
  }

  static void logSoftmax(NodeGradient node) {
    OperatorWriter write = node.write();
    String sum = write.reduceSum(node.gradient(), true, softmaxAxes(node));
    String softmax = write.node("Exp", node.output());
    node.give(0, write.sub(node.gradient(), write.mul(softmax, sum)));
  }

  /** Before operator set 13 a softmax runs over its axis and all that follow. */
  private static long[] softmaxAxes(NodeGradient node) {
    int rank = node.shape(node.input(0)).rank();
    if (node.write().opset() >= 13) {
      return new long[] {NodeGradient.axis(node.integer("axis", -1), rank)};
    }
    return LongStream.range(NodeGradient.axis(node.integer("axis", 1), rank), rank).toArray();
  }
}
