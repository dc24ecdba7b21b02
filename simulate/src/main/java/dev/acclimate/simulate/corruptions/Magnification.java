package dev.acclimate.simulate.corruptions;

/**
 * Enlarges the centre of a plane to the size of the whole, linear between pixels. The corners of
 * the cropped part fall on the corners of the enlarged one, which is cut to size around its centre.
 */
final class Magnification {

  private final Axis rows;
  private final Axis columns;
  private final int width;

  Magnification(int height, int width, double factor) {
    this.width = width;
    rows = new Axis(height, factor);
    columns = new Axis(width, factor);
  }

  /** Between which two pixels of the crop each output pixel lies along one axis. */
  private static final class Axis {
    /** Where the crop begins in the whole. */
    final int start;

    /** Length of the crop. */
    final int crop;

    final int[] before;
    final int[] after;
    final float[] fraction;

    Axis(int length, double factor) {
      crop = (int) Math.ceil(length / factor);
      start = (length - crop) / 2;
      int enlarged = (int) Math.rint(crop * factor);
      int trim = (enlarged - length) / 2;
      before = new int[length];
      after = new int[length];
      fraction = new float[length];
      for (int i = 0; i < length; i++) {
        double place = enlarged == 1 ? 0 : (i + trim) * (crop - 1.0) / (enlarged - 1.0);
        before[i] = Math.min((int) place, crop - 1);
        after[i] = Math.min(before[i] + 1, crop - 1);
        fraction[i] = (float) (place - before[i]);
      }
    }
  }

  /** Rows of the part that is enlarged. */
  int cropHeight() {
    return rows.crop;
  }

  /** Columns of the part that is enlarged. */
  int cropWidth() {
    return columns.crop;
  }

  /**
   * Adds the enlarged centre of one plane to another.
   *
   * @param in holds the plane {@code [height, width]} from index {@code from}
   * @param sum likewise
   */
  void addCentre(float[] in, float[] sum, int from) {
    add(in, from + rows.start * width + columns.start, width, sum, from);
  }

  /**
   * Adds the enlarged crop to a plane.
   *
   * @param crop {@code [cropHeight, cropWidth]}
   * @param sum {@code [height, width]}
   */
  void addCrop(float[] crop, float[] sum) {
    add(crop, 0, columns.crop, sum, 0);
  }

  private void add(float[] in, int first, int pitch, float[] sum, int to) {
    float[] row = new float[columns.crop];
    int out = to;
    for (int y = 0; y < rows.before.length; y++) {
      int above = first + rows.before[y] * pitch;
      int below = first + rows.after[y] * pitch;
      float down = rows.fraction[y];
      for (int x = 0; x < row.length; x++) {
        row[x] = in[above + x] + down * (in[below + x] - in[above + x]);
      }
      for (int x = 0; x < width; x++) {
        float left = row[columns.before[x]];
        sum[out++] += left + columns.fraction[x] * (row[columns.after[x]] - left);
      }
    }
  }
}
