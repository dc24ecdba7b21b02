package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ImageShape;

/** A colour in [0, 1], or grey of the same luminance (ITU-R BT.601) where images have no colour. */
record Colour(float red, float green, float blue) {

  private static final float RED_WEIGHT = 0.299f;
  private static final float GREEN_WEIGHT = 0.587f;
  private static final float BLUE_WEIGHT = 0.114f;

  /** From bytes. */
  static Colour ofBytes(int red, int green, int blue) {
    return new Colour(red / 255f, green / 255f, blue / 255f);
  }

  /** Whether images of this shape have colour: three channels, red, green and blue. */
  static boolean present(ImageShape shape) {
    return shape.channels() == 3;
  }

  /** The value in one channel of an image. */
  float in(int channel, ImageShape shape) {
    if (!present(shape)) {
      return RED_WEIGHT * red + GREEN_WEIGHT * green + BLUE_WEIGHT * blue;
    }
    return switch (channel) {
      case 0 -> red;
      case 1 -> green;
      default -> blue;
    };
  }

  /** The luminance of each pixel, {@code [H, W]}; without colour, the mean of the channels. */
  static float[] luminance(float[] chw, ImageShape shape) {
    int plane = shape.plane();
    float[] luminance = new float[plane];
    for (int channel = 0; channel < shape.channels(); channel++) {
      float weight = present(shape) ? weight(channel) : 1f / shape.channels();
      for (int i = 0; i < plane; i++) {
        luminance[i] += weight * chw[channel * plane + i];
      }
    }
    return luminance;
  }

  private static float weight(int channel) {
    return switch (channel) {
      case 0 -> RED_WEIGHT;
      case 1 -> GREEN_WEIGHT;
      default -> BLUE_WEIGHT;
    };
  }
}
