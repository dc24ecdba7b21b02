package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.blocks.Activations.Convolved;
import dev.acclimate.models.blocks.Activations.Ready;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** Convolutions, with what ends in them. */
final class ConvolutionLowering {
  private final BlockedTensors tensors;
  private final OperatorWriter ops;
  private final BlockedOperators blocked;
  private final int block;
  private final PositionLowering positions;
  private final Constants constants;
  private final Set<NodeProto> done = new HashSet<>();

  ConvolutionLowering(BlockedTensors tensors, Constants constants, PositionLowering positions) {
    this.tensors = tensors;
    this.ops = tensors.ops();
    this.blocked = tensors.blocked();
    this.block = tensors.block();
    this.constants = constants;
    this.positions = positions;
  }

  /** Writes a node in blocks; false where it is left to others. */
  boolean lower(NodeProto node) {
    return switch (node.getOpType()) {
      case "Conv" -> correlation(node) || convolution(node);
      case "ConvTranspose" -> transposedConvolution(node);
      case "Reshape", "ReduceSum" -> done.remove(node);
      default -> false;
    };
  }

  private boolean convolution(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    long[] weights = tensors.shape(node.getInput(1));
    long[] in = tensors.shape(x);
    if (!tensors.fitsBlocks(y) || weights.length != 4 || in.length != 4) {
      return false;
    }
    long groups = NodeAttributes.integer(node, "group", 1);
    boolean depthwise = groups > 1 && weights[1] == 1 && groups == weights[0];
    boolean fewInputs =
        !depthwise
            && weights[1] < block
            && weights[0] / groups % block == 0
            && (in[1] < block || in[1] % block == 0);
    boolean inBlocks =
        tensors.fitsBlocks(x)
            && (depthwise || (weights[1] % block == 0 && weights[0] / groups % block == 0));
    if (!inBlocks && !fewInputs) {
      return false;
    }
    if (fewInputs) {
      tensors.plain(x);
    }
    tensors.plain(node.getInput(1));
    String bias = node.getInputCount() > 2 ? node.getInput(2) : "";
    tensors.plain(bias);
    if (inBlocks && isWidening(node, weights)) {
      positions.meanOf(y, x, node.getInputList().subList(1, node.getInputCount()));
    }
    tensors.put(
        y,
        new Convolved(
            fewInputs ? x : tensors.ready(x),
            blocked.filter(node.getInput(1), weights, inBlocks && !depthwise),
            bias.isEmpty() ? null : bias,
            node.getAttributeList()));
    return true;
  }

  private static boolean isWidening(NodeProto node, long[] weights) {
    return weights[0] >= 2 * weights[1]
        && weights[2] == 1
        && weights[3] == 1
        && NodeAttributes.integer(node, "group", 1) == 1
        && areAll(node, "strides", 1)
        && areAll(node, "pads", 0);
  }

  private static boolean areAll(NodeProto node, String attribute, long value) {
    return NodeAttributes.integers(node, attribute).stream()
        .flatMapToLong(Arrays::stream)
        .allMatch(one -> one == value);
  }

  /** The convolution, and with it the sum over samples that is asked of it. */
  private boolean correlation(NodeProto node) {
    String images = tensors.seen(node.getInput(0));
    String places = tensors.seen(node.getInput(1));
    String result = node.getOutput(0);
    if (images == null || places == null || node.getInputCount() > 2) {
      return false;
    }
    Correlation correlation =
        new Correlation(
            node,
            tensors.shape(images),
            tensors.shape(places),
            tensors.shape(result),
            positions.zerosBelow(images));
    Optional<NodeProto> perSample = tensors.onlyReader(result);
    Optional<NodeProto> sum =
        perSample.flatMap(reshape -> tensors.onlyReader(reshape.getOutput(0)));
    if (sum.isEmpty()
        || !correlation.isPossible()
        || !sums(perSample.get(), sum.get(), correlation)) {
      return false;
    }
    String written = correlation.sum(blocked, ops, tensors.ready(images), tensors.ready(places));
    tensors.put(sum.get().getOutput(0), new Ready(written));
    done.add(perSample.get());
    done.add(sum.get());
    return true;
  }

  /** True where two nodes put the result's samples apart and add them up. */
  private boolean sums(NodeProto reshape, NodeProto sum, Correlation correlation) {
    Optional<long[]> axes = constants.reducedAxes(sum);
    return reshape.getOpType().equals("Reshape")
        && Arrays.equals(tensors.shape(reshape.getOutput(0)), correlation.perSample())
        && sum.getOpType().equals("ReduceSum")
        && axes.isPresent()
        && Arrays.equals(axes.get(), new long[] {0})
        && NodeAttributes.integer(sum, "keepdims", 1) != 0;
  }

  private boolean transposedConvolution(NodeProto node) {
    String x = node.getInput(0);
    String y = node.getOutput(0);
    if (!tensors.fitsBlocks(x) || !tensors.fitsBlocks(y)) {
      return false;
    }
    Phases phases =
        new Phases(node, tensors.shape(x), tensors.shape(node.getInput(1)), tensors.shape(y));
    if (!phases.arePossible()) {
      return false;
    }
    tensors.plain(node.getInput(1));
    tensors.put(y, new Ready(phases.write(blocked, ops, tensors.ready(x), node.getInput(1))));
    return true;
  }
}
