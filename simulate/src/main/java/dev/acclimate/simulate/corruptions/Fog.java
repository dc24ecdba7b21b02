package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Cloud;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Adds a cloud in [0, strength] to all channels and scales back so that the image's brightest value
 * stays within reach: {@code (x + strength * cloud) * max / (max + strength)}.
 *
 * <p>The cloud is a plasma fractal by the diamond-square algorithm (Fournier, Fussell and Carpenter
 * 1982) on a torus. As published, the amplitude of the random part is the square of a figure that
 * starts at 100 and is divided by the decay at each finer scale.
 */
final class Fog implements Distortion {

  private final ImageShape shape;
  private final Cloud cloud;
  private final int side;

  Fog(ImageShape shape, Cloud cloud) {
    this.shape = shape;
    this.cloud = cloud;
    this.side = side(shape);
  }

  /** Side of the smallest map that covers an image: a power of two. */
  static int side(ImageShape shape) {
    int longest = Math.max(2, Math.max(shape.height(), shape.width()));
    return Integer.highestOneBit(longest - 1) << 1;
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    float max = 0;
    for (float value : chw) {
      max = Math.max(max, value);
    }
    float[] heights = plasma(side, cloud.decay(), random);
    float strength = (float) cloud.strength();
    float scale = max / (max + strength);
    for (int channel = 0; channel < shape.channels(); channel++) {
      for (int y = 0; y < shape.height(); y++) {
        int row = (channel * shape.height() + y) * shape.width();
        for (int x = 0; x < shape.width(); x++) {
          chw[row + x] = (chw[row + x] + strength * heights[y * side + x]) * scale;
        }
      }
    }
  }

  /** Heights {@code [side, side]}, lowest 0 and highest 1; {@code side} is a power of two. */
  static float[] plasma(int side, double decay, SeededRandom random) {
    float[] map = new float[side * side];
    int mask = side - 1;
    double amplitude = 100;
    for (int step = side; step >= 2; step /= 2) {
      int half = step / 2;
      double reach = amplitude * amplitude;
      for (int y = 0; y < side; y += step) {
        for (int x = 0; x < side; x += step) {
          int right = (x + step) & mask;
          int below = ((y + step) & mask) * side;
          float sum =
              map[y * side + x] + map[y * side + right] + map[below + x] + map[below + right];
          map[(y + half) * side + x + half] = jitter(sum, reach, random);
        }
      }
      for (int y = 0; y < side; y += step) {
        for (int x = 0; x < side; x += step) {
          float corner = map[y * side + x];
          float centre = map[(y + half) * side + x + half];
          float across = map[y * side + ((x + step) & mask)];
          float above = map[((y - half) & mask) * side + x + half];
          map[y * side + x + half] = jitter(corner + across + centre + above, reach, random);
          float down = map[((y + step) & mask) * side + x];
          float left = map[(y + half) * side + ((x - half) & mask)];
          map[(y + half) * side + x] = jitter(corner + down + centre + left, reach, random);
        }
      }
      amplitude /= decay;
    }
    float lowest = Float.POSITIVE_INFINITY;
    float highest = Float.NEGATIVE_INFINITY;
    for (float height : map) {
      lowest = Math.min(lowest, height);
      highest = Math.max(highest, height);
    }
    float range = Math.max(highest - lowest, Float.MIN_NORMAL);
    for (int i = 0; i < map.length; i++) {
      map[i] = (map[i] - lowest) / range;
    }
    return map;
  }

  private static float jitter(float sum, double reach, SeededRandom random) {
    return (float) (sum / 4 + reach * random.nextDouble(-1, 1));
  }
}
