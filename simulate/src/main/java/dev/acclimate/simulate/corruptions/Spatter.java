package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Splashes;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * Splashes on the lens: the heights of smoothed normal noise. Mud covers what lies beneath; water,
 * lit and shaded along its edges, is added to it.
 */
final class Spatter implements Distortion {

  private static final Colour WATER = Colour.ofBytes(175, 238, 238);
  private static final Colour MUD = Colour.ofBytes(63, 42, 20);

  /** Mud thinner than this is none. */
  private static final float THIN = 0.8f;

  private final ImageShape shape;
  private final Splashes splashes;
  private final GaussianBlur smoothing;
  private final GaussianBlur edge;

  Spatter(ImageShape shape, Splashes splashes) {
    this.shape = shape;
    this.splashes = splashes;
    smoothing = GaussianBlur.of(shape.height(), shape.width(), splashes.smoothness());
    edge = GaussianBlur.of(shape.height(), shape.width(), splashes.strength());
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    float[] heights = new float[shape.plane()];
    for (int i = 0; i < heights.length; i++) {
      heights[i] = (float) (splashes.mean() + splashes.deviation() * random.nextGaussian());
    }
    smoothing.apply(heights);
    if (splashes.mud()) {
      coverWithMud(heights, chw);
    } else {
      addWater(heights, chw);
    }
  }

  private void coverWithMud(float[] heights, float[] chw) {
    float threshold = (float) splashes.threshold();
    for (int i = 0; i < heights.length; i++) {
      heights[i] = heights[i] > threshold ? 1 : 0;
    }
    edge.apply(heights);
    for (int channel = 0; channel < shape.channels(); channel++) {
      float mud = MUD.in(channel, shape);
      int from = channel * shape.plane();
      for (int i = 0; i < heights.length; i++) {
        float cover = heights[i] < THIN ? 0 : heights[i];
        chw[from + i] += cover * (mud - chw[from + i]);
      }
    }
  }

  private void addWater(float[] heights, float[] chw) {
    int[] levels = new int[heights.length];
    float threshold = (float) splashes.threshold();
    for (int i = 0; i < levels.length; i++) {
      levels[i] = heights[i] < threshold ? 0 : Math.min(255, (int) (heights[i] * 255));
    }
    float[] gleam = new WaterEdges(shape.height(), shape.width()).gleam(levels);
    float brightest = 0;
    for (float value : gleam) {
      brightest = Math.max(brightest, value);
    }
    if (brightest == 0) {
      return; // all dry
    }
    float scale = (float) splashes.strength() / brightest;
    for (int channel = 0; channel < shape.channels(); channel++) {
      float water = WATER.in(channel, shape);
      int from = channel * shape.plane();
      for (int i = 0; i < gleam.length; i++) {
        chw[from + i] += scale * gleam[i] * water;
      }
    }
  }
}
