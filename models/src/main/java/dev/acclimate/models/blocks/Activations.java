package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Activations {@code [B, C, H, W]} in blocks. */
sealed interface Activations {
  /** A tensor that is there. */
  record Ready(String tensor) implements Activations {}

  /** The product of two others, not yet written, since perhaps only its sums are asked for. */
  record Product(String a, String b) implements Activations {}

  /** A convolution, not yet written, since an addition and an activation may join it. */
  abstract sealed class Pending implements Activations permits Convolved, Scaled {
    private @Nullable String sum;
    private @Nullable Activation activation;

    final boolean takesSum() {
      return sum == null && activation == null;
    }

    /** Adds another tensor in blocks to the result. */
    final void add(String tensor) {
      sum = tensor;
    }

    final boolean takesActivation() {
      return activation == null;
    }

    /** Applies an activation to the sum. */
    final void activate(Activation function) {
      activation = function;
    }

    final @Nullable String sum() {
      return sum;
    }

    final @Nullable Activation activation() {
      return activation;
    }

    /** Writes the nodes; returns the result of this shape. */
    abstract String write(BlockedOperators blocked, long[] shape);
  }

  /** A convolution of the model's. */
  final class Convolved extends Pending {
    private final String input;
    private final String filter;
    private final @Nullable String bias;
    private final List<AttributeProto> attributes;

    Convolved(String input, String filter, @Nullable String bias, List<AttributeProto> attributes) {
      this.input = input;
      this.filter = filter;
      this.bias = bias;
      this.attributes = attributes;
    }

    @Override
    String write(BlockedOperators blocked, long[] shape) {
      return blocked.convolution(input, filter, bias, sum(), activation(), attributes);
    }
  }

  /** {@code scale * x + offset}: a depthwise convolution with a kernel of 1x1. */
  final class Scaled extends Pending {
    private final OperatorWriter ops;
    private final String x;
    private final PerChannel scale;
    private @Nullable PerChannel offset;

    Scaled(OperatorWriter ops, String x, PerChannel scale, @Nullable PerChannel offset) {
      this.ops = ops;
      this.x = x;
      this.scale = scale;
      this.offset = offset;
    }

    /** {@code -(scale * x + offset)}. */
    Scaled negated() {
      return new Scaled(ops, x, scale.negated(ops), offset == null ? null : offset.negated(ops));
    }

    boolean takesOffset() {
      return takesSum() && offset == null;
    }

    void offset(PerChannel added) {
      offset = added;
    }

    @Override
    String write(BlockedOperators blocked, long[] shape) {
      boolean perSample = scale.perSample() || (offset != null && offset.perSample());
      // each channel of each sample is a group of its own, or each channel alone
      long samples = perSample ? shape[0] : 1;
      long channels = samples * shape[1];
      long[] rows = BlockedOperators.longRows(shape[2], shape[3]);
      long[] seen = {shape[0] / samples, channels, rows[0], rows[1]};
      boolean asItIs = Arrays.equals(seen, shape);
      String added = sum();
      String result =
          blocked.convolution(
              asItIs ? x : ops.reshape(x, seen),
              numbers(scale, samples).reshaped(ops, channels, 1, 1, 1),
              offset == null ? null : numbers(offset, samples).reshaped(ops, channels),
              added == null || asItIs ? added : ops.reshape(added, seen),
              activation(),
              BlockedOperators.depthwise(channels, 1, 1));
      return asItIs ? result : ops.reshape(result, shape);
    }

    private PerChannel numbers(PerChannel each, long samples) {
      return samples > 1 ? each.forEachSample(ops, samples) : each;
    }
  }
}
