package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.corruptions.Severities.Saturation;
import dev.acclimate.simulate.data.ImageShape;

/** Changes of brightness, contrast and saturation, without chance. */
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

  /**
   * Changes the saturation in HSV to {@code saturation * factor + added}, clipped to 1. With hue
   * and value held, a channel's distance below the value is proportional to the saturation, so
   * there is no need to go through HSV; grey has the hue of red. Images without colour stay as they
   * are.
   */
  static Distortion saturate(ImageShape shape, Saturation change) {
    if (!Colour.present(shape)) {
      return (chw, random) -> {};
    }
    int plane = shape.plane();
    float factor = (float) change.factor();
    float added = (float) change.added();
    return (chw, random) -> {
      for (int red = 0; red < plane; red++) {
        int green = red + plane;
        int blue = green + plane;
        float value = Math.max(chw[red], Math.max(chw[green], chw[blue]));
        float span = value - Math.min(chw[red], Math.min(chw[green], chw[blue]));
        if (span > 0) {
          float saturation = Math.min(1, span / value * factor + added);
          float scale = value * saturation / span;
          chw[red] = value - (value - chw[red]) * scale;
          chw[green] = value - (value - chw[green]) * scale;
          chw[blue] = value - (value - chw[blue]) * scale;
        } else {
          chw[green] = value * (1 - added);
          chw[blue] = chw[green];
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
