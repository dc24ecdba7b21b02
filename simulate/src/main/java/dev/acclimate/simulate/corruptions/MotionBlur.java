package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Trail;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * A trail in a random direction, after ImageMagick's motion blur, which the published sets were
 * made with: half a Gaussian, from the pixel onwards in one direction, in whole steps of a pixel.
 * The result is rounded to bytes.
 */
final class MotionBlur implements Distortion {

  private final ImageShape shape;
  private final float[] weights;
  private final double leastAngle;
  private final double greatestAngle;

  /**
   * A blur of images of one shape.
   *
   * @param leastAngle in degrees; 0 is to the right, 90 down
   */
  MotionBlur(ImageShape shape, Trail trail, double leastAngle, double greatestAngle) {
    this.shape = shape;
    this.weights = weights(trail);
    this.leastAngle = leastAngle;
    this.greatestAngle = greatestAngle;
  }

  /** The weight of each step along the trail, their sum 1. */
  static float[] weights(Trail trail) {
    double[] half = new double[2 * (int) Math.ceil(trail.radius()) + 1];
    double sum = 0;
    for (int i = 0; i < half.length; i++) {
      double distance = i / trail.deviation();
      half[i] = Math.exp(-distance * distance / 2);
      sum += half[i];
    }
    float[] weights = new float[half.length];
    for (int i = 0; i < half.length; i++) {
      weights[i] = (float) (half[i] / sum);
    }
    return weights;
  }

  @Override
  public void apply(float[] planes, SeededRandom random) {
    double angle = Math.toRadians(random.nextDouble(leastAngle, greatestAngle));
    int[] rows = new int[weights.length];
    int[] columns = new int[weights.length];
    for (int i = 0; i < weights.length; i++) {
      rows[i] = nearest(i * Math.sin(angle));
      columns[i] = nearest(i * Math.cos(angle));
    }
    Convolution.of(shape.height(), shape.width(), Border.CLAMP, rows, columns, weights)
        .apply(planes);
    Bytes.round(planes);
  }

  /** Rounds halves down. */
  private static int nearest(double offset) {
    return (int) Math.ceil(offset - 0.5);
  }
}
