package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Gains;
import dev.acclimate.simulate.corruptions.Severities.Light;
import dev.acclimate.simulate.data.ImageShape;

/**
 * Changes of the light that a sensor sees. Values are taken for sRGB (IEC 61966-2-1): a channel's
 * light is found by its curve, changed, and encoded again.
 */
final class Exposure {

  private static final int LEVELS = 255;

  private Exposure() {}

  /**
   * Less light, counted in photons: the mean count falls with the light, and Poisson noise weighs
   * the more the fewer there are.
   */
  static Distortion darkness(Light light) {
    int full = (int) light.photons();
    float[] encoded = new float[full + 1];
    for (int count = 0; count <= full; count++) {
      encoded[count] = (float) encode(count / light.photons());
    }
    PoissonCounts counts =
        new PoissonCounts(value -> decode(value) * light.gain() * light.photons());
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] = encoded[Math.min(full, counts.draw(chw[i], random))];
      }
    };
  }

  /** Each channel's light by a factor of its own. Images without colour stay as they are. */
  static Distortion colourCast(ImageShape shape, Gains gains) {
    if (!Colour.present(shape)) {
      return (chw, random) -> {};
    }
    float[][] curves = {curve(gains.red()), curve(gains.green()), curve(gains.blue())};
    int plane = shape.plane();
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] = at(curves[i / plane], chw[i]);
      }
    };
  }

  /** A lens that is covered fifth by fifth; values, not light, fall in proportion. */
  static Distortion blackout(int severity) {
    float left = (Shift.MAX_SEVERITY - severity) / (float) Shift.MAX_SEVERITY;
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] *= left;
      }
    };
  }

  /** The value that each byte gets, and the last one once more. */
  private static float[] curve(double gain) {
    float[] curve = new float[LEVELS + 2];
    for (int level = 0; level <= LEVELS; level++) {
      curve[level] = (float) encode(gain * decode((double) level / LEVELS));
    }
    curve[LEVELS + 1] = curve[LEVELS];
    return curve;
  }

  /** Linear between bytes. */
  private static float at(float[] curve, float value) {
    float place = value * LEVELS;
    int level = (int) place;
    return curve[level] + (place - level) * (curve[level + 1] - curve[level]);
  }

  /** Light in [0, 1] of a value. */
  private static double decode(double value) {
    return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
  }

  /** The value of a light, at most 1. */
  private static double encode(double light) {
    double value = light <= 0.0031308 ? light * 12.92 : 1.055 * Math.pow(light, 1 / 2.4) - 0.055;
    return Math.min(1, value);
  }
}
