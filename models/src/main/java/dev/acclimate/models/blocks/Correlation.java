package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import java.util.List;

/**
 * A convolution of every channel of each sample's images with every channel of the same sample's
 * places, as the gradient of a convolution's weights asks for.
 *
 * <p>In plain ONNX the samples are its groups and the images of a sample lie one below the other,
 * so that each row of the result belongs to one channel. In blocks the channels of a block lie side
 * by side: the kernel steps over them, the columns of the result are a block's channels, and
 * nothing is reordered before it is summed up.
 */
final class Correlation {
  /** Samples whose products are summed up within the convolution, where that saves memory. */
  private static final long TOGETHER = 4;

  private final long[] images;
  private final long[] places;
  private final long rows;
  private final long columns;
  private final long zerosBelow;
  private final long groups;
  private final long[] strides;
  private final long[] dilations;
  private final long[] pads;
  private final boolean padsAreGiven;

  /**
   * @param node the convolution
   * @param images {@code [B, C, H, W]} before they were put one below the other
   * @param places {@code [B, P, h, w]} before they became kernels
   * @param result {@code [1, B * P, rows, columns]}
   * @param zerosBelow rows of zeros at the end of each image
   */
  Correlation(NodeProto node, long[] images, long[] places, long[] result, long zerosBelow) {
    this.images = images;
    this.places = places;
    this.rows = result[2];
    this.columns = result[3];
    this.zerosBelow = zerosBelow;
    this.groups = NodeAttributes.integer(node, "group", 1);
    this.strides = NodeAttributes.integers(node, "strides").orElse(new long[] {1, 1});
    this.dilations = NodeAttributes.integers(node, "dilations").orElse(new long[] {1, 1});
    this.pads = NodeAttributes.integers(node, "pads").orElse(new long[4]);
    this.padsAreGiven = NodeAttributes.text(node, "auto_pad", "NOTSET").equals("NOTSET");
  }

  /**
   * True where the convolution can be written in blocks: no kernel reads from a neighbouring image
   * anything but zeros.
   */
  boolean isPossible() {
    long reach = (places[2] - 1) * dilations[0] + 1;
    boolean startsInZeros = rows == images[1] && pads[0] <= zerosBelow;
    boolean startsLate = rows == images[1] + 1 && pads[0] >= reach;
    return groups == images[0]
        && groups == places[0]
        && strides[0] == images[2]
        && strides[1] == 1
        && padsAreGiven
        && pads[1] == 0
        && pads[3] == 0
        && pads[0] < images[2]
        && (startsInZeros ? reach <= images[2] + pads[0] : startsLate);
  }

  /** The result with its samples put apart. */
  long[] perSample() {
    return new long[] {images[0], places[1], rows, columns};
  }

  /**
   * Writes the convolution and its sum over samples, {@code [1, P, rows, columns]} in blocks.
   *
   * @param image in blocks
   * @param place in blocks
   */
  String sum(BlockedOperators blocked, OperatorWriter ops, String image, String place) {
    int block = blocked.block();
    // the runtime takes whole blocks of groups only
    long samples = (groups + block - 1) / block * block;
    boolean joined = images[1] * columns > places[2] * places[3];
    long together = joined ? TOGETHER : 1;
    long apart = samples / together;
    String x = withSamples(blocked, ops, image, images, samples);
    String kernels = withSamples(blocked, ops, place, places, samples);
    if (joined) {
      long size = places[2] * places[3] * block;
      String lying = ops.reshape(kernels, apart, together, places[1] / block, size);
      kernels = ops.transpose(lying, 0, 2, 1, 3);
    }
    String products =
        blocked.convolution(
            ops.reshape(x, 1, samples, images[1] / block * images[2], images[3] * block),
            ops.reshape(kernels, apart * places[1], together, places[2], places[3]),
            null,
            null,
            null,
            List.of(
                OperatorWriter.integer("group", apart),
                OperatorWriter.integers("kernel_shape", places[2], places[3]),
                OperatorWriter.integers("strides", strides),
                OperatorWriter.integers("dilations", dilations[0], dilations[1] * block),
                OperatorWriter.integers("pads", pads)));
    // a product of matrices takes a fraction of the time of ReduceSum
    String sum = ops.matMul(ops.filled(1, 1, apart), ops.reshape(products, apart, -1));
    return ordered(ops, sum, block);
  }

  /** Puts a block's channels, which lie side by side, one below the other. */
  private String ordered(OperatorWriter ops, String sum, int block) {
    long blocks = (rows + block - 1) / block;
    long channels = blocks * block;
    String lying = ops.reshape(sum, places[1] / block, blocks, columns, block, block);
    String below =
        ops.reshape(
            ops.transpose(lying, 0, 1, 3, 2, 4), places[1] / block, channels, columns, block);
    if (channels > rows) { // the first ones belong to no image
      below =
          ops.slice(
              below,
              new long[] {1},
              new long[] {channels - rows},
              new long[] {channels},
              new long[] {1});
    }
    return ops.reshape(below, 1, places[1], rows, columns);
  }

  private static String withSamples(
      BlockedOperators blocked, OperatorWriter ops, String tensor, long[] shape, long samples) {
    if (samples == shape[0]) {
      return tensor;
    }
    long[] more = {0, 0, 0, 0, 0, samples - shape[0], 0, 0, 0, 0};
    return ops.pad(blocked.asItLies(tensor, shape), more);
  }
}
