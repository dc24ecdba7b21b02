package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Means and sums of {@code [B, C, *]} over all axes but the channels'. Places come first and
 * samples after, since a runtime is quick where it reduces what lies together.
 */
final class ChannelSums {
  private ChannelSums() {}

  /** The mean of every channel, {@code [C]}. */
  static String mean(OperatorWriter write, String tensor, TensorInfo shape) {
    return shape.rank() == 2
        ? write.reduceMean(tensor, false, 0)
        : write.reduceMean(write.reduceMean(tensor, false, places(shape)), false, 0);
  }

  /** The sum of every channel, {@code [C]}. */
  static String sum(NodeGradient node, String tensor, TensorInfo shape) {
    return node.write().mul(mean(node.write(), tensor, shape), count(node, shape));
  }

  /** Elements that a channel's mean is taken over, a float32 scalar. */
  static String count(NodeGradient node, TensorInfo shape) {
    return node.elements(shape.name(), allButChannels(shape));
  }

  private static long[] places(TensorInfo shape) {
    return LongStream.range(2, shape.rank()).toArray();
  }

  private static int[] allButChannels(TensorInfo shape) {
    return IntStream.range(0, shape.rank()).filter(axis -> axis != 1).toArray();
  }
}
