package dev.acclimate.models.blocks;

import dev.acclimate.models.OperatorWriter;

/**
 * A plain number for each channel, or for each channel of each sample.
 *
 * @param tensor of C elements, or of B times C
 * @param channels C
 */
record PerChannel(String tensor, long channels, boolean perSample) {

  /** The same number for all of them. */
  static PerChannel all(OperatorWriter ops, float number, long channels) {
    return new PerChannel(ops.filled(number, channels), channels, false);
  }

  PerChannel negated(OperatorWriter ops) {
    return new PerChannel(ops.node("Neg", tensor), channels, perSample);
  }

  /** The numbers once for every sample. */
  PerChannel forEachSample(OperatorWriter ops, long samples) {
    if (perSample) {
      return this;
    }
    String row = ops.reshape(tensor, 1, channels);
    String rows = ops.expandTo(row, ops.constant(new long[] {samples, channels}));
    return new PerChannel(rows, channels, true);
  }

  String reshaped(OperatorWriter ops, long... shape) {
    return ops.reshape(tensor, shape);
  }
}
