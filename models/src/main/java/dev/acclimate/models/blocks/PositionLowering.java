package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.blocks.Activations.Product;
import dev.acclimate.models.blocks.Activations.Ready;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is done to positions: sums and means over them, pooling, cutting, padding, reshaping. */
final class PositionLowering {
  private final BlockedTensors tensors;
  private final OperatorWriter ops;
  private final BlockedOperators blocked;
  private final Constants constants;
  private final int block;
  private final Map<String, Widening> widenings = new HashMap<>();
  private final Map<String, Thinned> thinned = new HashMap<>();

  /** One number a sample and channel: the same as a matrix {@code [B, C]}. */
  private final Map<String, String> numbers = new HashMap<>();

  private final Map<String, Long> zerosBelow = new HashMap<>();

  /** A convolution whose mean over positions is that of what it reads, convolved. */
  private record Widening(String input, List<String> weights) {}

  /** Every n-th position of a tensor in blocks. */
  private record Thinned(String source, long down, long across) {}

  PositionLowering(BlockedTensors tensors, Constants constants) {
    this.tensors = tensors;
    this.ops = tensors.ops();
    this.blocked = tensors.blocked();
    this.constants = constants;
    this.block = tensors.block();
  }

  /**
   * Tells that a tensor is a convolution with a kernel of 1x1 to many more channels than it reads.
   *
   * @param weights and, where there is one, the bias
   */
  void meanOf(String tensor, String input, List<String> weights) {
    widenings.put(tensor, new Widening(input, weights));
  }

  /** Rows of zeros at the end of a tensor's images that are known of. */
  long zerosBelow(String tensor) {
    return zerosBelow.getOrDefault(tensor, 0L);
  }

  /** Writes a node in blocks; false where it is left to others. */
  boolean lower(NodeProto node) {
    return switch (node.getOpType()) {
      case "GlobalAveragePool" -> reduce(node, new long[] {2, 3}, true);
      case "ReduceMean", "ReduceSum" -> reduce(node);
      case "MaxPool", "AveragePool" -> pool(node);
      case "Slice" -> slice(node);
      case "Pad" -> pad(node);
      case "Reshape" -> reshape(node);
      default -> false;
    };
  }

  private boolean reduce(NodeProto node) {
    Optional<long[]> axes = constants.reducedAxes(node);
    boolean keep = NodeAttributes.integer(node, "keepdims", 1) != 0;
    return axes.isPresent() && reduce(node, axes.get(), keep);
  }

  private boolean reduce(NodeProto node, long[] axes, boolean keep) {
    String x = node.getInput(0);
    long[] sorted = Arrays.stream(axes).map(axis -> axis < 0 ? axis + 4 : axis).sorted().toArray();
    boolean overSamples = Arrays.equals(sorted, new long[] {0, 2, 3});
    if (!tensors.isBlocked(x)) {
      return reduceSamples(node, axes);
    }
    if (!overSamples && !Arrays.equals(sorted, new long[] {2, 3})) {
      return false;
    }
    boolean mean = !node.getOpType().equals("ReduceSum");
    String y = node.getOutput(0);
    String rows = overPositions(x, mean);
    if (overSamples) {
      writeSums(y, rows, tensors.shape(x)[0], mean);
    } else {
      numbers.put(y, rows);
      ops.alias(y, keep ? ops.reshape(rows, tensors.shape(y)) : rows);
    }
    return true;
  }

  /** Means or sums over the samples of one number a channel. */
  private boolean reduceSamples(NodeProto node, long... axes) {
    String x = node.getInput(0);
    long[] shape = tensors.shape(x);
    long[] sorted =
        Arrays.stream(axes).map(axis -> axis < 0 ? axis + shape.length : axis).sorted().toArray();
    boolean columns =
        shape.length > 1
            && sorted.length > 0
            && sorted[0] == 0
            && Arrays.stream(sorted).allMatch(axis -> axis != 1)
            && Arrays.stream(shape).skip(2).allMatch(size -> size == 1);
    if (!columns || !tensors.isFloat(x)) {
      return false;
    }
    String known = numbers.get(x);
    String rows =
        known != null ? known : shape.length == 2 ? x : ops.reshape(x, shape[0], shape[1]);
    writeSums(node.getOutput(0), rows, shape[0], node.getOpType().equals("ReduceMean"));
    return true;
  }

  /** From {@code [B, C]}; as a product of matrices it takes a tenth of a reduction's time. */
  private void writeSums(String y, String rows, long samples, boolean mean) {
    String sums = ops.matMul(ops.filled(mean ? 1f / samples : 1f, samples), rows);
    ops.alias(y, tensors.shape(y).length == 1 ? sums : ops.reshape(sums, tensors.shape(y)));
  }

  /** Mean or sum over positions, plain {@code [B, C]}. */
  private String overPositions(String x, boolean mean) {
    long[] shape = tensors.shape(x);
    float positions = shape[2] * shape[3];
    if (tensors.isReadOnce(x) && tensors.value(x) instanceof Product product) {
      String sum = blocked.sumOfProducts(product.a(), product.b(), shape);
      // as a matrix: over trailing axes of size 1 ONNX Runtime multiplies one number at a time
      String rows = ops.reshape(sum, shape[0], shape[1]);
      return mean ? ops.mul(rows, ops.constant(1 / positions)) : rows;
    }
    Widening widening = widenings.get(x);
    String average;
    if (widening == null) {
      average = blocked.mean(tensors.ready(x), shape);
    } else {
      List<String> inputs = new ArrayList<>();
      inputs.add(blocked.mean(tensors.ready(widening.input()), tensors.shape(widening.input())));
      inputs.addAll(widening.weights());
      average = ops.emit("Conv", inputs);
    }
    String rows = ops.reshape(average, shape[0], shape[1]);
    return mean ? rows : ops.mul(rows, ops.constant(positions));
  }

  private boolean pool(NodeProto node) {
    String x = node.getInput(0);
    boolean simple =
        NodeAttributes.integer(node, "ceil_mode", 0) == 0
            && NodeAttributes.integer(node, "storage_order", 0) == 0;
    if (!tensors.isBlocked(x) || !simple || !tensors.fitsBlocks(node.getOutput(0))) {
      return false;
    }
    String pooled = blocked.pool(node.getOpType(), tensors.ready(x), node.getAttributeList());
    tensors.put(node.getOutput(0), new Ready(pooled));
    return true;
  }

  /** Slices of positions, which are axes of their own in blocks too. */
  private boolean slice(NodeProto node) {
    String x = node.getInput(0);
    if (!tensors.isBlocked(x)
        || node.getInputCount() < 4
        || !tensors.fitsBlocks(node.getOutput(0))) {
      return false;
    }
    Optional<long[]> axes = constants.integers(node.getInput(3));
    if (axes.isEmpty()) {
      return false;
    }
    long[] from = Arrays.stream(axes.get()).map(axis -> axis < 0 ? axis + 4 : axis).toArray();
    if (Arrays.stream(from).anyMatch(axis -> axis < 2)) {
      return false;
    }
    Optional<long[]> every = strides(node, from);
    if (every.isPresent()) {
      thinOut(node.getOutput(0), x, every.get());
      return true;
    }
    NodeProto.Builder lying = node.toBuilder().clearName().clearOutput();
    lying
        .setInput(0, blocked.asItLies(tensors.ready(x), tensors.shape(x)))
        .setInput(3, ops.constant(from));
    String result = ops.reshape(ops.emit(lying), tensors.shape(node.getOutput(0)));
    tensors.put(node.getOutput(0), new Ready(result));
    return true;
  }

  /** Slices down and across in turn are one; what was written for the first, nobody reads then. */
  private void thinOut(String y, String x, long... strides) {
    Thinned before = thinned.get(x);
    Thinned thin =
        before == null
            ? new Thinned(tensors.ready(x), strides[0], strides[1])
            : new Thinned(before.source, strides[0] * before.down, strides[1] * before.across);
    String taken = blocked.everyNth(thin.source, tensors.shape(x)[1], thin.down, thin.across);
    thinned.put(y, thin);
    tensors.put(y, new Ready(taken));
  }

  /** Down and across, where a slice takes every n-th position from the first one on. */
  private Optional<long[]> strides(NodeProto node, long... axes) {
    Optional<long[]> starts = constants.integers(node.getInput(1));
    Optional<long[]> steps =
        node.getInputCount() < 5 ? Optional.empty() : constants.integers(node.getInput(4));
    if (starts.isEmpty()
        || steps.isEmpty()
        || Arrays.stream(starts.get()).anyMatch(start -> start != 0)) {
      return Optional.empty();
    }
    long[] read = tensors.shape(node.getInput(0));
    long[] taken = tensors.shape(node.getOutput(0));
    long[] strides = {1, 1};
    for (int i = 0; i < axes.length; i++) {
      int axis = Math.toIntExact(axes[i]);
      long step = steps.get()[i];
      if (step < 1 || taken[axis] != (read[axis] + step - 1) / step) {
        return Optional.empty();
      }
      strides[axis - 2] = step;
    }
    return Optional.of(strides);
  }

  /** Zeros around positions, or whole blocks of channels of them. */
  private boolean pad(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    boolean zeros =
        node.getInputCount() == 2
            || (node.getInputCount() == 3
                && (node.getInput(2).isEmpty()
                    || constants.scalar(node.getInput(2)).orElse(1.0) == 0));
    boolean constant = NodeAttributes.text(node, "mode", "constant").equals("constant");
    if (!tensors.isBlocked(x) || !zeros || !constant || !tensors.fitsBlocks(y)) {
      return false;
    }
    Optional<long[]> pads = constants.integers(node.getInput(1));
    if (pads.isEmpty()) {
      return false;
    }
    long[] p = pads.get();
    if (p.length != 8
        || p[0] != 0
        || p[4] != 0
        || p[1] % block != 0
        || p[5] % block != 0
        || p[1] < 0
        || p[5] < 0) {
      return false;
    }
    String lying =
        ops.constant(new long[] {0, p[1] / block, p[2], p[3], 0, 0, p[5] / block, p[6], p[7], 0});
    String padded = ops.node("Pad", blocked.asItLies(tensors.ready(x), tensors.shape(x)), lying);
    tensors.put(y, new Ready(ops.reshape(padded, tensors.shape(y))));
    zerosBelow.put(y, p[6]);
    return true;
  }

  private boolean reshape(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    long[] from = tensors.shape(x);
    long[] to = tensors.shape(y);
    String rows = numbers.get(x);
    if (rows != null && Arrays.equals(to, new long[] {from[0], from[1]})) {
      ops.alias(y, rows);
      return true;
    }
    if (!tensors.isBlocked(x) || from.length != 4 || to.length != 4) {
      return false;
    }
    boolean stacked = from[0] == to[1] && from[1] * from[2] == to[2] && from[3] == to[3];
    boolean kernel = from[0] * from[1] == to[0] && from[2] == to[2] && from[3] == to[3];
    if ((stacked && to[0] == 1) || (kernel && to[1] == 1)) {
      tensors.see(y, x);
      return true;
    }
    if (from[2] * from[3] != to[2] * to[3]) {
      return false;
    }
    if (to[1] % block == 0) {
      tensors.put(y, new Ready(ops.reshape(tensors.ready(x), to)));
      return true;
    }
    return false;
  }
}
