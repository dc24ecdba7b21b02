package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.Arrays;
import java.util.List;

/**
 * BatchNormalization, frozen or with the statistics of its own batch (Ioffe and Szegedy 2015).
 *
 * <p>With batch statistics the backward pass is derived by hand: differentiated operator by
 * operator it would walk over the activations a dozen times, as it is it walks five times. With m1
 * = mean(dy), m2 = mean(dy * centred), r = 1 / sqrt(variance + epsilon) and a = gamma * r:
 *
 * <pre>{@code
 * dx = a * (dy - m1 - centred * r^2 * m2)
 * dgamma = count * m2 * r
 * dbeta = count * m1
 * }</pre>
 */
final class BatchNormalizationRule implements GradientRule {
  private static final float DEFAULT_EPSILON = 1e-5f;

  /**
   * Writes the forward pass with batch statistics, its result under the node's own output name. The
   * input is centred before it is squared, so that no digits are lost where mean >> std.
   */
  static MeasuredBatch measure(NodeProto node, TensorInfo shape, OperatorWriter write) {
    String x = node.getInput(0);
    String mean = ChannelSums.mean(write, x, shape);
    String centred = write.sub(x, channels(write, mean, shape));
    String variance = ChannelSums.mean(write, write.mul(centred, centred), shape);
    write.emitTo(
        node.getOutput(0),
        "BatchNormalization",
        List.of(x, node.getInput(1), node.getInput(2), mean, variance),
        OperatorWriter.number("epsilon", NodeAttributes.epsilon(node)));
    mixRunning(write, node, 1, mean);
    mixRunning(write, node, 2, variance);
    return new MeasuredBatch(mean, variance, centred);
  }

  /** What running statistics are made of. */
  static BatchStatistics statistics(NodeGradient node, MeasuredBatch batch) {
    OperatorWriter write = node.write();
    String count = ChannelSums.count(node, node.shape(node.input(0)));
    String one = write.constant(1f);
    String factor = write.div(count, write.max(write.sub(count, one), one));
    String unbiased = write.mul(batch.variance(), factor);
    return new BatchStatistics(node.input(3), node.input(4), batch.mean(), unbiased);
  }

  /** The next running mean or variance, where the node in training mode has a name for it. */
  private static void mixRunning(
      OperatorWriter write, NodeProto node, int output, String measured) {
    if (output < node.getOutputCount() && !node.getOutput(output).isEmpty()) {
      float momentum = NodeAttributes.decimal(node, "momentum", 0.9f);
      String kept = write.mul(node.getInput(2 + output), write.constant(momentum));
      String added = write.mul(measured, write.constant(1 - momentum));
      write.emitTo(node.getOutput(output), "Add", List.of(kept, added));
    }
  }

  private static String channels(OperatorWriter write, String vector, TensorInfo shape) {
    long[] sizes = new long[shape.rank() - 1];
    Arrays.fill(sizes, 1);
    sizes[0] = -1;
    return write.reshape(vector, sizes);
  }

  @Override
  public void backward(NodeGradient node) {
    MeasuredBatch batch = node.measured();
    if (batch == null) {
      backwardFrozen(node);
    } else {
      backwardThroughBatch(node, batch);
    }
  }

  private static void backwardThroughBatch(NodeGradient node, MeasuredBatch batch) {
    OperatorWriter write = node.write();
    TensorInfo shape = node.shape(node.input(0));
    String dy = node.gradient();
    String inverse = inverseDeviation(node, batch.variance());
    String m1 = ChannelSums.mean(write, dy, shape);
    String m2 = ChannelSums.mean(write, write.mul(dy, batch.centred()), shape);
    String count = ChannelSums.count(node, shape);
    if (node.wants(1)) {
      node.give(1, write.mul(write.mul(m2, inverse), count));
    }
    if (node.wants(2)) {
      node.give(2, write.mul(m1, count));
    }
    if (node.wants(0)) {
      String gain = write.mul(node.input(1), inverse);
      String slope = write.mul(write.mul(gain, m2), write.mul(inverse, inverse));
      String level = write.mul(gain, m1);
      // a BatchNormalization of mean 0 and variance 1 is a multiply-add per channel in one walk
      String zeros = write.sub(gain, gain);
      String ones = write.add(zeros, write.constant(1f));
      String correction =
          write.emit(
              "BatchNormalization",
              List.of(batch.centred(), slope, level, zeros, ones),
              OperatorWriter.number("epsilon", 0));
      node.give(0, write.sub(write.mul(dy, channels(write, gain, shape)), correction));
    }
  }

  private static void backwardFrozen(NodeGradient node) {
    OperatorWriter write = node.write();
    TensorInfo shape = node.shape(node.input(0));
    String dy = node.gradient();
    String inverse = inverseDeviation(node, node.input(4));
    String gain = write.mul(node.input(1), inverse);
    if (node.wants(0)) {
      node.give(0, write.mul(dy, channels(write, gain, shape)));
    }
    if (!node.wants(1) && !node.wants(2) && !node.wants(3) && !node.wants(4)) {
      return;
    }
    String sum = ChannelSums.sum(node, dy, shape);
    if (node.wants(2)) {
      node.give(2, sum);
    }
    if (node.wants(3)) {
      node.give(3, write.node("Neg", write.mul(sum, gain)));
    }
    if (node.wants(1) || node.wants(4)) {
      // sum of dy * (x - mean): centring the input first would be one more walk over it
      String product = ChannelSums.sum(node, write.mul(dy, node.input(0)), shape);
      String centred = write.sub(product, write.mul(node.input(3), sum));
      if (node.wants(1)) {
        node.give(1, write.mul(centred, inverse));
      }
      if (node.wants(4)) {
        String square = write.mul(write.mul(inverse, inverse), write.constant(-0.5f));
        node.give(4, write.mul(write.mul(centred, gain), square));
      }
    }
  }

  private static String inverseDeviation(NodeGradient node, String variance) {
    OperatorWriter write = node.write();
    String epsilon = write.constant(node.decimal("epsilon", DEFAULT_EPSILON));
    return write.node("Reciprocal", write.sqrt(write.add(variance, epsilon)));
  }
}
