package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Snowfall;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;

/**
 * A paler scene behind falling flakes. The flakes are the brightest of normal noise, enlarged and
 * blurred along their fall; they are added once as they are and once turned by 180 degrees.
 */
final class Snow implements Distortion {

  private final ImageShape shape;
  private final Snowfall snowfall;
  private final Magnification magnification;
  private final MotionBlur fall;

  Snow(ImageShape shape, Snowfall snowfall) {
    this.shape = shape;
    this.snowfall = snowfall;
    magnification = new Magnification(shape.height(), shape.width(), snowfall.magnification());
    fall = new MotionBlur(shape, snowfall.trail(), -135, -45);
  }

  @Override
  public void apply(float[] chw, SeededRandom random) {
    float[] flakes = flakes(random);
    float[] luminance = Colour.luminance(chw, shape);
    float kept = (float) snowfall.kept();
    int plane = shape.plane();
    for (int from = 0; from < chw.length; from += plane) {
      for (int i = 0; i < plane; i++) {
        float pale = Math.max(chw[from + i], luminance[i] * 1.5f + 0.5f);
        float scene = kept * chw[from + i] + (1 - kept) * pale;
        chw[from + i] = scene + flakes[i] + flakes[plane - 1 - i];
      }
    }
  }

  private float[] flakes(SeededRandom random) {
    // what the enlargement would crop is not drawn
    float[] noise = new float[magnification.cropHeight() * magnification.cropWidth()];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (float) (snowfall.mean() + snowfall.deviation() * random.nextGaussian());
    }
    float[] flakes = new float[shape.plane()];
    magnification.addCrop(noise, flakes);
    for (int i = 0; i < flakes.length; i++) {
      if (flakes[i] < snowfall.threshold()) {
        flakes[i] = 0;
      }
    }
    Bytes.truncate(flakes);
    fall.apply(flakes, random);
    return flakes;
  }
}
