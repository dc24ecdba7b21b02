package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.random.SeededRandom;

/** Convolution with a Gaussian, first along columns, then along rows. */
final class GaussianBlur implements Distortion {

  /** Where the kernel is cut off, in deviations, in the published blurs. */
  private static final double REACH = 4;

  private final Convolution vertical;
  private final Convolution horizontal;

  private GaussianBlur(int height, int width, double deviation, double reach, Border border) {
    double[] kernel = kernel(deviation, reach);
    double[][] column = new double[kernel.length][1];
    for (int i = 0; i < kernel.length; i++) {
      column[i][0] = kernel[i];
    }
    vertical = Convolution.of(height, width, border, column);
    horizontal = Convolution.of(height, width, border, new double[][] {kernel});
  }

  /** A blur of the given standard deviation in pixels. */
  static GaussianBlur of(int height, int width, double deviation) {
    return new GaussianBlur(height, width, deviation, REACH, Border.CLAMP);
  }

  /**
   * Likewise.
   *
   * @param reach where the kernel is cut off, in deviations
   */
  static GaussianBlur of(int height, int width, double deviation, double reach, Border border) {
    return new GaussianBlur(height, width, deviation, reach, border);
  }

  /** The kernel, its sum 1; a single 1 where the deviation is too small for more. */
  static double[] kernel(double deviation, double reach) {
    int radius = (int) (reach * deviation + 0.5);
    double[] kernel = new double[2 * radius + 1];
    double sum = 0;
    for (int i = -radius; i <= radius; i++) {
      double distance = radius == 0 ? 0 : i / deviation;
      kernel[i + radius] = Math.exp(-distance * distance / 2);
      sum += kernel[i + radius];
    }
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] /= sum;
    }
    return kernel;
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    apply(chw);
  }

  /** Blurs planes in place. */
  void apply(float[] planes) {
    vertical.apply(planes);
    horizontal.apply(planes);
  }
}
