package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.blocks.Activations.Correlated;
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
  private final int block;
  private final long groups;
  private final long[] strides;
  private final long[] dilations;
  private final long[] pads;
  private final boolean padsAreGiven;

  /**
   * @param node the convolution
   * @param images {@code [B, C, H, W]} before they were put one below the other
   * @param places {@code [B, P, h, w]} before they became kernels
   * @param block channels in a block
   */
  Correlation(NodeProto node, long[] images, long[] places, int block) {
    this.images = images;
    this.places = places;
    this.block = block;
    this.groups = NodeAttributes.integer(node, "group", 1);
    this.strides = NodeAttributes.integers(node, "strides").orElse(new long[] {1, 1});
    this.dilations = NodeAttributes.integers(node, "dilations").orElse(new long[] {1, 1});
    this.pads = NodeAttributes.integers(node, "pads").orElse(new long[4]);
    this.padsAreGiven = NodeAttributes.text(node, "auto_pad", "NOTSET").equals("NOTSET");
  }

  /**
   * True where the convolution can be written in blocks: no kernel reads from a neighbouring image
   * anything but zeros.
   *
   * @param rows of the result
   * @param zerosBelow rows of zeros at the end of each image
   */
  boolean isPossible(long rows, long zerosBelow) {
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

  Correlated write(
      BlockedOperators blocked, OperatorWriter ops, String image, String place, long[] result) {
    long rows = result[2];
    // the runtime takes whole blocks of groups only
    long samples = (groups + block - 1) / block * block;
    boolean joined = images[1] * result[3] > places[2] * places[3];
    long together = joined ? TOGETHER : 1;
    String x = withSamples(blocked, ops, image, images, samples);
    String kernels = withSamples(blocked, ops, place, places, samples);
    if (joined) {
      long size = places[2] * places[3] * block;
      String lying = ops.reshape(kernels, samples / together, together, places[1] / block, size);
      kernels = ops.transpose(lying, 0, 2, 1, 3);
    }
    String products =
        blocked.convolution(
            ops.reshape(x, 1, samples, images[1] / block * images[2], images[3] * block),
            ops.reshape(kernels, samples / together * places[1], together, places[2], places[3]),
            null,
            null,
            null,
            List.of(
                OperatorWriter.integer("group", samples / together),
                OperatorWriter.integers("kernel_shape", places[2], places[3]),
                OperatorWriter.integers("strides", strides),
                OperatorWriter.integers("dilations", dilations[0], dilations[1] * block),
                OperatorWriter.integers("pads", pads)));
    return new Correlated(products, samples / together, (rows + block - 1) / block);
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
