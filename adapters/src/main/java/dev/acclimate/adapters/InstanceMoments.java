package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import org.jspecify.annotations.Nullable;

/**
 * The first two moments of a tensor's instances over their positions, around a constant. They are
 * measured once, however many sites read the tensor, alone or as a part of their input.
 */
final class InstanceMoments {
  /** How many standard deviations off the squares are still taken with digits to spare. */
  private static final double NEAR = 4;

  private final String centred;
  private final float[] centre;
  private @Nullable String mean;
  private @Nullable String square;

  /**
   * @param centred {@code [B, C, d1, ...]}
   * @param centre what was subtracted, {@code [C]}; not to be written to
   */
  InstanceMoments(String centred, float[] centre) {
    this.centred = centred;
    this.centre = centre;
  }

  String centred() {
    return centred;
  }

  float[] centre() {
    return centre;
  }

  /** True where the centre is near enough to where others would centre the tensor. */
  boolean suits(float[] theirMean, double... theirDeviation) {
    for (int c = 0; c < centre.length; c++) {
      if (Math.abs(centre[c] - theirMean[c]) > NEAR * theirDeviation[c]) {
        return false;
      }
    }
    return true;
  }

  /** Mean of each instance, {@code [B, C]}. */
  String mean(OperatorWriter ops) {
    String written = mean;
    if (written == null) {
      written = matrix(ops, centred);
      mean = written;
    }
    return written;
  }

  /** Mean square of each instance, {@code [B, C]}. */
  String square(OperatorWriter ops) {
    String written = square;
    if (written == null) {
      written = matrix(ops, ops.mul(centred, centred));
      square = written;
    }
    return written;
  }

  private String matrix(OperatorWriter ops, String tensor) {
    return ops.reshape(ops.globalAveragePool(tensor), 0, centre.length);
  }
}
