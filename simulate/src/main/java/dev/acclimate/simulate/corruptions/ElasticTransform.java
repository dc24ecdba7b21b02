package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Elasticity;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * A random affine map, then a displacement of each pixel by smoothed uniform noise (Simard,
 * Steinkraus and Platt 2003, "Best practices for convolutional neural networks"). The image is
 * resampled after either, linear between pixels.
 */
final class ElasticTransform implements Distortion {

  /** Where the smoothing of the displacement is cut off, in deviations. */
  private static final double REACH = 3;

  private final ImageShape shape;
  private final Elasticity elasticity;
  private final GaussianBlur smoothing;

  ElasticTransform(ImageShape shape, Elasticity elasticity) {
    this.shape = shape;
    this.elasticity = elasticity;
    smoothing =
        GaussianBlur.of(
            shape.height(), shape.width(), elasticity.smoothness(), REACH, Border.REFLECT);
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    float[] source = chw.clone();
    double[] affine = affine(random);
    for (int y = 0; y < shape.height(); y++) {
      for (int x = 0; x < shape.width(); x++) {
        double fromX = affine[0] * x + affine[1] * y + affine[2];
        double fromY = affine[3] * x + affine[4] * y + affine[5];
        sample(source, fromX, fromY, Border.MIRROR, chw, y * shape.width() + x);
      }
    }
    if (elasticity.strength() == 0) {
      return;
    }
    System.arraycopy(chw, 0, source, 0, chw.length);
    float[] across = displacement(random);
    float[] down = displacement(random);
    for (int y = 0; y < shape.height(); y++) {
      for (int x = 0; x < shape.width(); x++) {
        int pixel = y * shape.width() + x;
        sample(source, x + across[pixel], y + down[pixel], Border.REFLECT, chw, pixel);
      }
    }
  }

  /**
   * The map that takes three corners of a square, each moved at random, back to where they were: a
   * matrix of two rows and three columns, from a pixel of the result to where it is taken from.
   */
  private double[] affine(SeededRandom random) {
    int centreX = shape.width() / 2;
    int centreY = shape.height() / 2;
    int half = Math.max(1, Math.min(shape.height(), shape.width()) / 3);
    double[] x = {centreX + half, centreX + half, centreX - half};
    double[] y = {centreY + half, centreY - half, centreY - half};
    double[] movedX = new double[3];
    double[] movedY = new double[3];
    double reach = elasticity.jitter();
    double determinant;
    do {
      for (int i = 0; i < 3; i++) {
        movedX[i] = x[i] + random.nextDouble(-reach, reach);
        movedY[i] = y[i] + random.nextDouble(-reach, reach);
      }
      determinant =
          (movedX[1] - movedX[0]) * (movedY[2] - movedY[0])
              - (movedX[2] - movedX[0]) * (movedY[1] - movedY[0]);
      // three corners on a line have no map back; only the smallest images come close to that
    } while (Math.abs(determinant) < 1e-3);
    double[] matrix = new double[6];
    row(x, movedX, movedY, determinant, matrix, 0);
    row(y, movedX, movedY, determinant, matrix, 3);
    return matrix;
  }

  /** Solves for the row of the matrix that takes (fromX, fromY) to {@code to}, three times. */
  private static void row(
      double[] to, double[] fromX, double[] fromY, double determinant, double[] matrix, int at) {
    double first = to[1] - to[0];
    double second = to[2] - to[0];
    matrix[at] = (first * (fromY[2] - fromY[0]) - second * (fromY[1] - fromY[0])) / determinant;
    matrix[at + 1] = (second * (fromX[1] - fromX[0]) - first * (fromX[2] - fromX[0])) / determinant;
    matrix[at + 2] = to[0] - matrix[at] * fromX[0] - matrix[at + 1] * fromY[0];
  }

  private float[] displacement(SeededRandom random) {
    float[] field = new float[shape.plane()];
    for (int i = 0; i < field.length; i++) {
      field[i] = (float) random.nextDouble(-1, 1);
    }
    smoothing.apply(field);
    for (int i = 0; i < field.length; i++) {
      field[i] *= (float) elasticity.strength();
    }
    return field;
  }

  /** Reads all channels at a place between pixels. */
  private void sample(
      float[] source, double fromX, double fromY, Border border, float[] chw, int pixel) {
    int height = shape.height();
    int width = shape.width();
    int floorX = (int) Math.floor(fromX);
    int floorY = (int) Math.floor(fromY);
    float right = (float) (fromX - floorX);
    float low = (float) (fromY - floorY);
    int left = border.inside(floorX, width);
    int next = border.inside(floorX + 1, width);
    int above = border.inside(floorY, height) * width;
    int below = border.inside(floorY + 1, height) * width;
    for (int from = 0; from < chw.length; from += shape.plane()) {
      float top = source[from + above + left];
      top += right * (source[from + above + next] - top);
      float bottom = source[from + below + left];
      bottom += right * (source[from + below + next] - bottom);
      chw[from + pixel] = top + low * (bottom - top);
    }
  }
}
