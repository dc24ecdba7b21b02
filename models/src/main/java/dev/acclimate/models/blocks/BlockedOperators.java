package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.OperatorWriter;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes operators on blocks; all tensors are blocked and of known shape unless said otherwise. */
final class BlockedOperators {
  static final String DOMAIN = "com.microsoft.nchwc";

  /** The largest kernel that sums up positions, so that its weights stay in the fastest caches. */
  private static final long LARGEST_KERNEL = 1024;

  private final OperatorWriter ops;
  private final int block;
  private final Map<String, String> filters = new HashMap<>();

  /**
   * @param ops writes everything, plain operators too
   * @param block channels in a block
   */
  BlockedOperators(OperatorWriter ops, int block) {
    this.ops = ops;
    this.block = block;
  }

  /** Channels in a block. */
  int block() {
    return block;
  }

  /** A plain tensor {@code [B, C, H, W]} put in blocks. */
  String reorderInput(String plain) {
    return ops.emitIn(
        DOMAIN,
        "ReorderInput",
        List.of(plain),
        List.of(OperatorWriter.integer("channels_last", 0)));
  }

  /** A tensor in plain order. */
  String reorderOutput(String blocked, long channels) {
    return ops.emitIn(
        DOMAIN,
        "ReorderOutput",
        List.of(blocked),
        List.of(
            OperatorWriter.integer("channels", channels),
            OperatorWriter.integer("channels_last", 0)));
  }

  String pool(String operator, String x, Collection<AttributeProto> attributes) {
    return ops.emitIn(DOMAIN, operator, List.of(x), attributes);
  }

  /**
   * A convolution.
   *
   * @param bias plain {@code [O]}, or null
   * @param sum is added; its memory may be taken for the result
   * @param activation what is applied in the end, or null
   */
  String convolution(
      String x,
      String filter,
      @Nullable String bias,
      @Nullable String sum,
      @Nullable Activation activation,
      Collection<AttributeProto> attributes) {
    NodeProto.Builder node =
        NodeProto.newBuilder()
            .setDomain(DOMAIN)
            .setOpType("Conv")
            .addInput(x)
            .addInput(filter)
            .addAllAttribute(attributes);
    if (bias != null || sum != null) {
      node.addInput(bias == null ? "" : bias);
    }
    if (sum != null) {
      node.addInput(sum);
    }
    if (activation != null) {
      node.addAttribute(OperatorWriter.text("activation", activation.operator()));
      if (!activation.parameters().isEmpty()) {
        node.addAttribute(OperatorWriter.numbers("activation_params", activation.parameters()));
      }
    }
    return ops.emit(node);
  }

  /**
   * Weights in the order that convolutions on blocks ask for.
   *
   * @param weights plain {@code [O, I, h, w]} of this shape, constant or not
   * @param inputsInBlocks whether the convolution's input is in blocks and not depthwise
   */
  String filter(String weights, long[] shape, boolean inputsInBlocks) {
    return filters.computeIfAbsent(
        weights,
        name -> {
          String ordered =
              inputsInBlocks
                  ? ops.transpose(
                      ops.reshape(
                          name,
                          shape[0] / block,
                          block,
                          shape[1] / block,
                          block,
                          shape[2],
                          shape[3]),
                      0,
                      2,
                      4,
                      5,
                      3,
                      1)
                  : ops.transpose(
                      ops.reshape(name, shape[0] / block, block, shape[1], shape[2], shape[3]),
                      0,
                      2,
                      3,
                      4,
                      1);
          return ops.reshape(ordered, shape);
        });
  }

  /** Every n-th position down and across: a convolution that multiplies them with 1. */
  String everyNth(String x, long channels, long... strides) {
    return convolution(
        x, ops.filled(1, channels, 1, 1, 1), null, null, null, depthwise(channels, 1, 1, strides));
  }

  static List<AttributeProto> depthwise(long groups, long height, long width) {
    return depthwise(groups, height, width, 1, 1);
  }

  private static List<AttributeProto> depthwise(
      long groups, long height, long width, long... strides) {
    return List.of(
        OperatorWriter.integer("group", groups),
        OperatorWriter.integers("kernel_shape", height, width),
        OperatorWriter.integers("strides", strides),
        OperatorWriter.integers("dilations", 1, 1),
        OperatorWriter.integers("pads", 0, 0, 0, 0));
  }

  /**
   * The mean of each sample and channel over positions, plain {@code [B, C, 1, 1]}: a convolution
   * with equal weights, which takes half the time of pooling. A large kernel is factored.
   */
  String mean(String x, long[] shape) {
    long positions = shape[2] * shape[3];
    long inner = largestDivisor(positions);
    long outer = positions / inner;
    String mean;
    if (outer > LARGEST_KERNEL) { // a large prime
      mean = ops.emitIn(DOMAIN, "GlobalAveragePool", List.of(x), List.of());
    } else {
      String rows = ops.reshape(x, shape[0] * shape[1] / block, block, outer, inner);
      mean = convolution(rows, equal(1, inner), null, null, null, depthwise(block, 1, inner));
      if (outer > 1) {
        mean = convolution(mean, equal(outer, 1), null, null, null, depthwise(block, outer, 1));
      }
    }
    // with one number a channel there is nothing to reorder
    return ops.reshape(mean, shape[0], shape[1], 1, 1);
  }

  /**
   * The sum of products over positions for each sample and channel, plain {@code [B, C, 1, 1]}: a
   * convolution of every channel of every sample with the other tensor as its kernel.
   */
  String sumOfProducts(String x, String y, long[] shape) {
    long channels = shape[0] * shape[1];
    String sum =
        convolution(
            ops.reshape(x, 1, channels, shape[2], shape[3]),
            ops.reshape(y, channels, 1, shape[2], shape[3]),
            null,
            null,
            null,
            depthwise(channels, shape[2], shape[3]));
    return ops.reshape(sum, shape[0], shape[1], 1, 1);
  }

  private String equal(long height, long width) {
    return ops.filled(1f / (height * width), block, 1, height, width);
  }

  private static long largestDivisor(long positions) {
    long divisor = Math.min(positions, LARGEST_KERNEL);
    while (positions % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  /** The memory as it lies: {@code [B, C / n, H, W, n]}. */
  String asItLies(String x, long[] shape) {
    return ops.reshape(x, shape[0], shape[1] / block, shape[2], shape[3], block);
  }
}
