package dev.acclimate.models.gradients;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.stream.LongStream;

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
        : write.reduceMean(write.globalAveragePool(tensor), false, allButChannels(shape));
  }

  /** The sum of every channel, {@code [C]}. */
  static String sum(NodeGradient node, String tensor, TensorInfo shape) {
    OperatorWriter write = node.write();
    return write.mul(mean(write, tensor, shape), count(write, tensor, shape));
  }

  /** Elements that a channel's mean is taken over, a float32 scalar. */
  static String count(OperatorWriter write, String tensor, TensorInfo shape) {
    String channels = write.gather(write.shape(tensor), 1);
    String elements = write.castToFloat(write.node("Size", tensor));
    return write.div(elements, write.castToFloat(channels));
  }

  private static long[] allButChannels(TensorInfo shape) {
    return LongStream.range(0, shape.rank()).filter(axis -> axis != 1).toArray();
  }
}
