package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.stream.LongStream;

/**
 * Normalizations by the mean and variance of parts of each sample. With g the gradient of what is
 * standardized, z, and r = 1 / sqrt(variance + epsilon): {@code dx = r (g - mean(g) - z mean(g
 * z))}.
 */
final class StandardizationRules {
  private static final float DEFAULT_EPSILON = 1e-5f;

  /**
   * What was standardized, and by what.
   *
   * @param values z
   * @param scale r, its normalized axes of size 1
   */
  @SuppressWarnings("ArrayRecordComponent")
  private record Standardized(String values, String scale, long[] axes) {

    static Standardized of(NodeGradient node, String x, long... axes) {
      OperatorWriter write = node.write();
      String centred = write.sub(x, write.reduceMean(x, true, axes));
      String variance = write.reduceMean(write.mul(centred, centred), true, axes);
      String epsilon = write.constant(node.decimal("epsilon", DEFAULT_EPSILON));
      String scale = write.node("Reciprocal", write.sqrt(write.add(variance, epsilon)));
      return new Standardized(write.mul(centred, scale), scale, axes);
    }

    String inputGradient(OperatorWriter write, String g) {
      String level = write.reduceMean(g, true, axes);
      String slope = write.reduceMean(write.mul(g, values), true, axes);
      String rest = write.sub(write.sub(g, level), write.mul(values, slope));
      return write.mul(rest, scale);
    }
  }

  private StandardizationRules() {}

  /** Over the last axes; scale and offset broadcast to the input. */
  static void layer(NodeGradient node) {
    OperatorWriter write = node.write();
    int rank = node.shape(node.input(0)).rank();
    int first = NodeGradient.axis(node.integer("axis", -1), rank);
    Standardized z = Standardized.of(node, node.input(0), LongStream.range(first, rank).toArray());
    String dy = node.gradient();
    if (node.wants(0)) {
      node.give(0, z.inputGradient(write, write.mul(dy, node.input(1))));
    }
    if (node.wants(1)) {
      node.give(1, node.unbroadcast(write.mul(dy, z.values()), node.input(1)));
    }
    if (node.wants(2)) {
      node.give(2, node.unbroadcast(dy, node.input(2)));
    }
  }

  /** Over the places of each channel. */
  static void instance(NodeGradient node) {
    int rank = node.shape(node.input(0)).rank();
    Standardized z = Standardized.of(node, node.input(0), LongStream.range(2, rank).toArray());
    if (node.wants(0)) {
      String g = node.write().mul(node.gradient(), perChannel(node, node.input(1)));
      node.give(0, z.inputGradient(node.write(), g));
    }
    giveChannels(node, z.values());
  }

  /**
   * Over groups of channels. Before operator set 21 there is a scale and offset per group, since
   * then per channel.
   */
  static void group(NodeGradient node) {
    OperatorWriter write = node.write();
    long[] grouped = {0, node.integer("num_groups", 1), -1};
    Standardized z = Standardized.of(node, write.reshape(node.input(0), grouped), 2);
    if (write.opset() < 21) {
      groupwise(node, z, grouped);
      return;
    }
    if (node.wants(0)) {
      String g = write.mul(node.gradient(), perChannel(node, node.input(1)));
      String dx = z.inputGradient(write, write.reshape(g, grouped));
      node.give(0, node.reshapeLike(dx, node.input(0)));
    }
    giveChannels(node, node.reshapeLike(z.values(), node.input(0)));
  }

  private static void groupwise(NodeGradient node, Standardized z, long[] grouped) {
    OperatorWriter write = node.write();
    String dy = write.reshape(node.gradient(), grouped);
    if (node.wants(0)) {
      String g = write.mul(dy, write.reshape(node.input(1), -1, 1));
      node.give(0, node.reshapeLike(z.inputGradient(write, g), node.input(0)));
    }
    if (node.wants(1)) {
      node.give(1, write.reduceSum(write.mul(dy, z.values()), false, 0, 2));
    }
    if (node.wants(2)) {
      node.give(2, write.reduceSum(dy, false, 0, 2));
    }
  }

  private static String perChannel(NodeGradient node, String vector) {
    long[] shape = new long[node.shape(node.input(0)).rank() - 1];
    Arrays.fill(shape, 1);
    shape[0] = -1;
    return node.write().reshape(vector, shape);
  }

  /** The gradients of a scale and an offset {@code [C]}. */
  private static void giveChannels(NodeGradient node, String standardized) {
    OperatorWriter write = node.write();
    if (node.wants(1)) {
      String product = write.mul(node.gradient(), standardized);
      node.give(1, ChannelSums.sum(node, product, node.shape(node.input(0))));
    }
    if (node.wants(2)) {
      node.give(2, ChannelSums.sum(node, node.gradient(), node.shape(node.input(0))));
    }
  }
}
