package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.stream.IntStream;

/**
 * Means and sums of {@code [B, C, *]} over all axes but the channels'. They go through
 * GlobalAveragePool, which runtimes compute faster than a reduction over axes on both sides.
 */
final class ChannelSums {
  private ChannelSums() {}

  /** The mean of every channel, {@code [C]}. */
  static String mean(OperatorWriter write, String tensor, TensorInfo shape) {
    return shape.rank() == 2
        ? write.reduceMean(tensor, false, 0)
        : write.reduceMean(
            write.globalAveragePool(tensor), false, allButChannels(shape).asLongStream().toArray());
  }

  /** The sum of every channel, {@code [C]}. */
  static String sum(NodeGradient node, String tensor, TensorInfo shape) {
    OperatorWriter write = node.write();
    return write.mul(mean(write, tensor, shape), count(write, tensor, shape));
  }

  /** Elements that a channel's mean is taken over, a float32 scalar. */
  static String count(OperatorWriter write, String tensor, TensorInfo shape) {
    return ElementCount.along(write, tensor, shape, allButChannels(shape));
  }

  private static IntStream allButChannels(TensorInfo shape) {
    return IntStream.range(0, shape.rank()).filter(axis -> axis != 1);
  }
}
