package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Disc;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;

/**
 * Convolution with a disc whose edge a small Gaussian softens. Beyond the border the image is
 * mirrored about its outermost pixel.
 *
 * <p>The kernel is kept as the list of its non-zero taps, most of the square around a disc being
 * empty, and each tap is added row by row over a padded plane, which the compiler vectorises.
 */
final class DefocusBlur implements Distortion {

  /** Discs up to this radius sit in a kernel that reaches this far, and have a 3x3 softening. */
  private static final int SMALL_REACH = 8;

  private static final double NEGLIGIBLE = 1e-9;

  private final ImageShape shape;
  private final int pad;
  private final int[] rows;
  private final int[] columns;
  private final float[] weights;

  DefocusBlur(ImageShape shape, Disc disc) {
    this.shape = shape;
    double[][] kernel = kernel(disc);
    int reach = kernel.length / 2;
    int count =
        (int)
            Arrays.stream(kernel)
                .flatMapToDouble(Arrays::stream)
                .filter(w -> w > NEGLIGIBLE)
                .count();
    rows = new int[count];
    columns = new int[count];
    weights = new float[count];
    int furthest = 0;
    int tap = 0;
    for (int y = 0; y < kernel.length; y++) {
      for (int x = 0; x < kernel.length; x++) {
        if (kernel[y][x] > NEGLIGIBLE) {
          rows[tap] = y - reach;
          columns[tap] = x - reach;
          weights[tap] = (float) kernel[y][x];
          furthest = Math.max(furthest, Math.max(Math.abs(y - reach), Math.abs(x - reach)));
          tap++;
        }
      }
    }
    pad = furthest;
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
                    * hard[mirror(y + dy, side)][mirror(x + dx, side)];
          }
        }
        soft[y][x] = value / (sum * sum * inside);
      }
    }
    return soft;
  }

  /** The index inside {@code [0, length)} that a mirror at the outermost element shows. */
  static int mirror(int index, int length) {
    if (length == 1) {
      return 0;
    }
    int period = 2 * (length - 1);
    int folded = Math.floorMod(index, period);
    return Math.min(folded, period - folded);
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    int height = shape.height();
    int width = shape.width();
    int paddedWidth = width + 2 * pad;
    float[] padded = new float[(height + 2 * pad) * paddedWidth];
    for (int from = 0; from < chw.length; from += shape.plane()) {
      for (int y = 0; y < height + 2 * pad; y++) {
        int row = from + mirror(y - pad, height) * width;
        for (int x = 0; x < paddedWidth; x++) {
          padded[y * paddedWidth + x] = chw[row + mirror(x - pad, width)];
        }
      }
      Arrays.fill(chw, from, from + shape.plane(), 0);
      for (int tap = 0; tap < weights.length; tap++) {
        float weight = weights[tap];
        for (int y = 0; y < height; y++) {
          int in = (y + pad + rows[tap]) * paddedWidth + pad + columns[tap];
          int out = from + y * width;
          for (int x = 0; x < width; x++) {
            chw[out + x] += weight * padded[in + x];
          }
        }
      }
    }
  }
}
