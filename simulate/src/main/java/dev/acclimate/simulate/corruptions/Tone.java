package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ImageShape;

/** Changes of brightness and contrast, without chance. */
final class Tone {

  private Tone() {}

  /**
   * Adds to the value in HSV, clipped to 1. With hue and saturation held, RGB is proportional to
   * the value, so there is no need to go through HSV; black has no hue and turns grey.
   */
  static Distortion brightness(ImageShape shape, double added) {
    int plane = shape.plane();
    return (chw, random) -> {
      for (int pixel = 0; pixel < plane; pixel++) {
        float value = 0;
        for (int i = pixel; i < chw.length; i += plane) {
          value = Math.max(value, chw[i]);
        }
        float brighter = Math.min(1, value + (float) added);
        for (int i = pixel; i < chw.length; i += plane) {
          chw[i] = value > 0 ? chw[i] * (brighter / value) : brighter;
        }
      }
    };
  }

  /** Scales the distance from each channel's mean over the image. */
  static Distortion contrast(ImageShape shape, double factor) {
    int plane = shape.plane();
    return (chw, random) -> {
      for (int from = 0; from < chw.length; from += plane) {
        double sum = 0;
        for (int i = from; i < from + plane; i++) {
          sum += chw[i];
        }
        double mean = sum / plane;
        for (int i = from; i < from + plane; i++) {
          chw[i] = (float) ((chw[i] - mean) * factor + mean);
        }
      }
    };
  }
}
