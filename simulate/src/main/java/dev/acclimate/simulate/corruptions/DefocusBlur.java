package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Disc;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Convolution with a disc whose edge a small Gaussian softens. Beyond the border the image is
 * mirrored about its outermost pixel.
 */
final class DefocusBlur implements Distortion {

  /** Discs up to this radius sit in a kernel that reaches this far, and have a 3x3 softening. */
  private static final int SMALL_REACH = 8;

  private final Convolution convolution;

  DefocusBlur(ImageShape shape, Disc disc) {
    convolution = Convolution.of(shape.height(), shape.width(), Border.MIRROR, kernel(disc));
  }

  /** The square kernel, its sum 1. */
  static double[][] kernel(Disc disc) {
    boolean small = disc.radius() <= SMALL_REACH;
    int reach = small ? SMALL_REACH : (int) Math.ceil(disc.radius());
    int side = 2 * reach + 1;
    double[][] hard = new double[side][side];
    int inside = 0;
    for (int y = -reach; y <= reach; y++) {
      for (int x = -reach; x <= reach; x++) {
        if (x * x + y * y <= disc.radius() * disc.radius()) {
          hard[y + reach][x + reach] = 1;
          inside++;
        }
      }
    }
    int softReach = small ? 1 : 2;
    double[] gauss = new double[2 * softReach + 1];
    double sum = 0;
    for (int i = -softReach; i <= softReach; i++) {
      gauss[i + softReach] = Math.exp(-i * i / (2 * disc.softening() * disc.softening()));
      sum += gauss[i + softReach];
    }
    double[][] soft = new double[side][side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        double value = 0;
        for (int dy = -softReach; dy <= softReach; dy++) {
          for (int dx = -softReach; dx <= softReach; dx++) {
            value +=
                gauss[dy + softReach]
                    * gauss[dx + softReach]
                    * hard[Border.MIRROR.inside(y + dy, side)][Border.MIRROR.inside(x + dx, side)];
          }
        }
        soft[y][x] = value / (sum * sum * inside);
      }
    }
    return soft;
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    convolution.apply(chw);
  }
}
