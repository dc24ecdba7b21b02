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

  /** From so many positions on, sums are taken of pieces of them first. */
  private static final long IN_PIECES = 192;

  /** A piece of fewer positions is not worth a result of its own. */
  private static final long SMALLEST_PIECE = 8;

  private static final long LARGEST_PIECE = 32;

  /** Positions in a row that make beginning it cheap. */
  private static final long LONG_ROW = 48;

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
   * The height and width in which positions are taken where it does not matter how they lie: a
   * convolution begins anew with each row.
   */
  static long[] longRows(long height, long width) {
    long rows = 1;
    while (height % rows != 0 || (rows < height && rows * width < LONG_ROW)) {
      rows++;
    }
    return new long[] {height / rows, rows * width};
  }

  /**
   * The mean of each sample and channel over positions, plain {@code [B, C, 1, 1]}: convolutions
   * with equal weights, which take less than half the time of pooling. Many positions are summed up
   * in pieces, since a convolution adds to several results at once but waits for each sum in turn.
   */
  String mean(String x, long[] shape) {
    long positions = shape[2] * shape[3];
    String mean = x;
    if (largestPiece(positions) > LARGEST_KERNEL) { // a large prime
      mean = ops.emitIn(DOMAIN, "GlobalAveragePool", List.of(x), List.of());
    } else {
      mean = ops.reshape(x, shape[0] * shape[1] / block, block, 1, positions);
      for (long left = positions; left > 1; left /= largestPiece(left)) {
        mean = meanOfEach(largestPiece(left), mean);
      }
    }
    // with one number a channel there is nothing to reorder
    return ops.reshape(mean, shape[0], shape[1], 1, 1);
  }

  /**
   * Means of as many positions at a time, {@code [n, block, 1, W]} to {@code [n, block, 1,
   * W/piece]}.
   */
  private String meanOfEach(long piece, String row) {
    String equal = ops.filled(1f / piece, block, 1, 1, piece);
    return convolution(row, equal, null, null, null, depthwise(block, 1, piece, 1, piece));
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

  /** All of the positions, or as many as are summed up at a time. */
  private static long largestPiece(long positions) {
    if (positions < IN_PIECES) {
      return positions;
    }
    long divisor = LARGEST_PIECE;
    while (positions % divisor != 0) {
      divisor--;
    }
    return divisor < SMALLEST_PIECE ? positions : divisor;
  }

  /** The memory as it lies: {@code [B, C / n, H, W, n]}. */
  String asItLies(String x, long[] shape) {
    return ops.reshape(x, shape[0], shape[1] / block, shape[2], shape[3], block);
  }
}
