package dev.acclimate.simulate.corruptions;

import java.util.Arrays;

/**
 * A filter given by its taps: an output pixel is the weighted sum of the input pixels at fixed
 * distances from it.
 *
 * <p>Each tap is added over a whole padded plane at once. The shifted copy that precedes it looks
 * like waste, but makes both sides of the addition start at the same index, without which the
 * compiler does not vectorise the loop: it is several times faster this way.
 */
final class Convolution {

  /** Taps weaker than this are lost in float arithmetic. */
  private static final double NEGLIGIBLE = 1e-9;

  private final int height;
  private final int width;
  private final float[] weights;

  /** Where in the padded plane each tap finds the input of the first output pixel. */
  private final int[] starts;

  private final int paddedWidth;

  /** Which pixel of the plane each pixel of the padded plane shows, as row and column. */
  private final int[] paddedRows;

  private final int[] paddedColumns;

  private Convolution(
      int height, int width, Border border, int[] rows, int[] columns, float[] weights) {
    this.height = height;
    this.width = width;
    this.weights = weights;
    int top = Math.max(0, -Arrays.stream(rows).min().orElse(0));
    int left = Math.max(0, -Arrays.stream(columns).min().orElse(0));
    int bottom = Math.max(0, Arrays.stream(rows).max().orElse(0));
    int right = Math.max(0, Arrays.stream(columns).max().orElse(0));
    paddedWidth = left + width + right;
    paddedRows = new int[top + height + bottom];
    Arrays.setAll(paddedRows, y -> border.inside(y - top, height));
    paddedColumns = new int[paddedWidth];
    Arrays.setAll(paddedColumns, x -> border.inside(x - left, width));
    starts = new int[weights.length];
    Arrays.setAll(starts, tap -> (top + rows[tap]) * paddedWidth + left + columns[tap]);
  }

  /**
   * A filter with these taps.
   *
   * @param rows distance of each tap downwards
   * @param columns distance of each tap to the right
   */
  static Convolution of(
      int height, int width, Border border, int[] rows, int[] columns, float[] weights) {
    return new Convolution(height, width, border, rows, columns, weights);
  }

  /** A filter with the kernel {@code [odd][odd]}, its centre on the output pixel. */
  static Convolution of(int height, int width, Border border, double[][] kernel) {
    int count =
        (int)
            Arrays.stream(kernel)
                .flatMapToDouble(Arrays::stream)
                .filter(weight -> weight > NEGLIGIBLE)
                .count();
    int[] rows = new int[count];
    int[] columns = new int[count];
    float[] weights = new float[count];
    int tap = 0;
    for (int y = 0; y < kernel.length; y++) {
      for (int x = 0; x < kernel[y].length; x++) {
        if (kernel[y][x] > NEGLIGIBLE) {
          rows[tap] = y - kernel.length / 2;
          columns[tap] = x - kernel[y].length / 2;
          weights[tap] = (float) kernel[y][x];
          tap++;
        }
      }
    }
    return of(height, width, border, rows, columns, weights);
  }

  /**
   * Filters planes in place.
   *
   * @param planes {@code [n, height, width]}, each filtered by itself
   */
  void apply(float[] planes) {
    int plane = height * width;
    float[] padded = new float[paddedRows.length * paddedWidth];
    // the last row ends with its last output pixel, so that no tap reads past the padding
    int length = (height - 1) * paddedWidth + width;
    float[] shifted = new float[length];
    float[] sum = new float[length];
    for (int from = 0; from < planes.length; from += plane) {
      pad(planes, from, padded);
      Arrays.fill(sum, 0);
      for (int tap = 0; tap < weights.length; tap++) {
        System.arraycopy(padded, starts[tap], shifted, 0, length);
        addScaled(sum, weights[tap], shifted);
      }
      for (int y = 0; y < height; y++) {
        System.arraycopy(sum, y * paddedWidth, planes, from + y * width, width);
      }
    }
  }

  private void pad(float[] planes, int from, float[] padded) {
    int out = 0;
    for (int row : paddedRows) {
      int in = from + row * width;
      for (int column : paddedColumns) {
        padded[out++] = planes[in + column];
      }
    }
  }

  private static void addScaled(float[] sum, float weight, float[] values) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += weight * values[i];
    }
  }
}
