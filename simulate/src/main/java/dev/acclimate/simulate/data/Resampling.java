package dev.acclimate.simulate.data;

/**
 * Linear interpolation along one axis, with a triangle filter as wide as an output pixel where it
 * shrinks, so that nothing aliases. Pixels are unit cells: those of the output cover the same range
 * as those of the input.
 */
final class Resampling {

  /** First input pixel that counts for an output pixel. */
  private final int[] first;

  /** Weights of the pixels from there on, of sum 1. */
  private final float[][] weights;

  /**
   * The middle of a scaled axis.
   *
   * @param length of the input
   * @param scaled length of the whole output
   * @param count of output pixels around its centre, at most {@code scaled}
   */
  static Resampling part(int length, int scaled, int count) {
    // half to even, as Python rounds
    int start = (int) Math.rint((scaled - count) / 2.0);
    return new Resampling((double) length / scaled, length, start, count);
  }

  private Resampling(double scale, int length, int start, int count) {
    double reach = Math.max(scale, 1);
    first = new int[count];
    weights = new float[count][];
    for (int i = 0; i < count; i++) {
      double centre = (start + i + 0.5) * scale - 0.5;
      first[i] = Math.max(0, (int) Math.ceil(centre - reach));
      int last = Math.min(length - 1, (int) Math.floor(centre + reach));
      double[] heights = new double[last - first[i] + 1];
      double sum = 0;
      for (int j = 0; j < heights.length; j++) {
        heights[j] = Math.max(0, 1 - Math.abs(first[i] + j - centre) / reach);
        sum += heights[j];
      }
      weights[i] = new float[heights.length];
      for (int j = 0; j < heights.length; j++) {
        weights[i][j] = (float) (heights[j] / sum);
      }
    }
  }

  /**
   * Resamples one line of bytes.
   *
   * @param from index of its first value in {@code in}
   * @param step from one value to the next
   */
  void apply(byte[] in, int from, int step, byte[] out, int to, int outStep) {
    for (int i = 0; i < first.length; i++) {
      float sum = 0;
      int at = from + first[i] * step;
      for (float weight : weights[i]) {
        sum += weight * (in[at] & 0xff);
        at += step;
      }
      out[to + i * outStep] = (byte) Math.min(255, (int) (sum + 0.5f));
    }
  }
}
