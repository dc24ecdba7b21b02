package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ImageShape;

/**
 * The published parameters, severities 1 to 5: of CIFAR-10-C for small images, of ImageNet-C for
 * images as large as those (hendrycks/robustness, {@code make_cifar_c.py} and {@code
 * make_imagenet_c.py}). The two sets differ because the same noise hides more in fewer pixels.
 * Those that are ours say so.
 */
final class Severities {

  /** Images at least this high and wide are as ImageNet's (224), the others as CIFAR's (32). */
  private static final int LARGE_FROM = 128;

  /** A disc's radius and the width of the Gaussian that softens its edge, both in pixels. */
  record Disc(double radius, double softening) {}

  /** The cloud's strength, and how fast its detail fades from one scale to the next. */
  record Cloud(double strength, double decay) {}

  /**
   * Frosted glass.
   *
   * @param deviation of the blur before and after, in pixels
   * @param reach how far a pixel's stand-in may lie away
   * @param rounds how often pixels move
   */
  record Glass(double deviation, int reach, int rounds) {}

  /** A trail's cut-off (half of its length) and the deviation along it, both in pixels. */
  record Trail(double radius, double deviation) {}

  /** How many enlargements, from 1 on, this far apart. */
  record Zooms(int count, double step) {}

  /**
   * Flakes and the scene behind them.
   *
   * @param mean of the noise that flakes are made from
   * @param deviation of that noise
   * @param magnification of the noise
   * @param threshold what is darker is no flake
   * @param trail of a flake's fall
   * @param kept weight of the scene as it is, against its pale self
   */
  record Snowfall(
      double mean,
      double deviation,
      double magnification,
      double threshold,
      Trail trail,
      double kept) {}

  /**
   * Frost.
   *
   * @param scale of its pattern, 1 for large images
   */
  record Rime(double imageWeight, double frostWeight, double scale) {}

  /**
   * A displacement, in pixels.
   *
   * @param strength what uniform noise in [-1, 1] is multiplied with, after smoothing
   * @param smoothness deviation of the smoothing
   * @param jitter how far the corners of the affine map move
   */
  record Elasticity(double strength, double smoothness, double jitter) {}

  /**
   * Splashes: what of smoothed normal noise lies above a threshold.
   *
   * @param mean of the noise
   * @param deviation of the noise
   * @param smoothness deviation of the smoothing, in pixels
   * @param threshold what is lower is dry
   * @param strength how opaque water is, at most; of mud the deviation of its soft edge, in pixels
   * @param mud whether they are mud rather than water
   */
  record Splashes(
      double mean,
      double deviation,
      double smoothness,
      double threshold,
      double strength,
      boolean mud) {}

  /** The saturation's factor, and what is added to it after that. */
  record Saturation(double factor, double added) {}

  /**
   * How much light falls on the sensor.
   *
   * @param gain what is left of the light
   * @param photons that full light stands for
   */
  record Light(double gain, double photons) {}

  /** Factors on each channel's light. */
  record Gains(double red, double green, double blue) {}

  private static final double[] GAUSSIAN_SMALL = {0.04, 0.06, 0.08, 0.09, 0.10};
  private static final double[] GAUSSIAN_LARGE = {0.08, 0.12, 0.18, 0.26, 0.38};
  private static final double[] SHOT_SMALL = {500, 250, 100, 75, 50};
  private static final double[] SHOT_LARGE = {60, 25, 12, 5, 3};
  private static final double[] IMPULSE_SMALL = {0.01, 0.02, 0.03, 0.05, 0.07};
  private static final double[] IMPULSE_LARGE = {0.03, 0.06, 0.09, 0.17, 0.27};
  private static final double[] BRIGHTNESS_SMALL = {0.05, 0.1, 0.15, 0.2, 0.3};
  private static final double[] BRIGHTNESS_LARGE = {0.1, 0.2, 0.3, 0.4, 0.5};
  private static final double[] CONTRAST_SMALL = {0.75, 0.5, 0.4, 0.3, 0.15};
  private static final double[] CONTRAST_LARGE = {0.4, 0.3, 0.2, 0.1, 0.05};
  private static final double[] PIXELATE_SMALL = {0.95, 0.9, 0.85, 0.75, 0.65};
  private static final double[] PIXELATE_LARGE = {0.6, 0.5, 0.4, 0.3, 0.25};
  private static final Disc[] DEFOCUS_SMALL = {
    new Disc(0.3, 0.4), new Disc(0.4, 0.5), new Disc(0.5, 0.6), new Disc(1, 0.2), new Disc(1.5, 0.1)
  };
  private static final Disc[] DEFOCUS_LARGE = {
    new Disc(3, 0.1), new Disc(4, 0.5), new Disc(6, 0.5), new Disc(8, 0.5), new Disc(10, 0.5)
  };
  private static final Cloud[] FOG_SMALL = {
    new Cloud(0.2, 3),
    new Cloud(0.5, 3),
    new Cloud(0.75, 2.5),
    new Cloud(1, 2),
    new Cloud(1.5, 1.75)
  };
  private static final Cloud[] FOG_LARGE = {
    new Cloud(1.5, 2), new Cloud(2, 2), new Cloud(2.5, 1.7), new Cloud(2.5, 1.5), new Cloud(3, 1.4)
  };
  private static final Glass[] GLASS_SMALL = {
    new Glass(0.05, 1, 1),
    new Glass(0.25, 1, 1),
    new Glass(0.4, 1, 1),
    new Glass(0.25, 1, 2),
    new Glass(0.4, 1, 2)
  };
  private static final Glass[] GLASS_LARGE = {
    new Glass(0.7, 1, 2),
    new Glass(0.9, 2, 1),
    new Glass(1, 2, 3),
    new Glass(1.1, 3, 2),
    new Glass(1.5, 4, 2)
  };
  private static final Trail[] MOTION_SMALL = {
    new Trail(6, 1), new Trail(6, 1.5), new Trail(6, 2), new Trail(8, 2), new Trail(9, 2.5)
  };
  private static final Trail[] MOTION_LARGE = {
    new Trail(10, 3), new Trail(15, 5), new Trail(15, 8), new Trail(15, 12), new Trail(20, 15)
  };
  // the published ranges leave out their upper end, but rounding lets the first two in: hence 7
  // and 12 figures beside 16, 21 and 26
  private static final Zooms[] ZOOM_SMALL = {
    new Zooms(7, 0.01),
    new Zooms(12, 0.01),
    new Zooms(16, 0.01),
    new Zooms(21, 0.01),
    new Zooms(26, 0.01)
  };
  private static final Zooms[] ZOOM_LARGE = {
    new Zooms(12, 0.01),
    new Zooms(16, 0.01),
    new Zooms(11, 0.02),
    new Zooms(13, 0.02),
    new Zooms(11, 0.03)
  };
  private static final Snowfall[] SNOW_SMALL = {
    new Snowfall(0.1, 0.2, 1, 0.6, new Trail(8, 3), 0.95),
    new Snowfall(0.1, 0.2, 1, 0.5, new Trail(10, 4), 0.9),
    new Snowfall(0.15, 0.3, 1.75, 0.55, new Trail(10, 4), 0.9),
    new Snowfall(0.25, 0.3, 2.25, 0.6, new Trail(12, 6), 0.85),
    new Snowfall(0.3, 0.3, 1.25, 0.65, new Trail(14, 12), 0.8)
  };
  private static final Snowfall[] SNOW_LARGE = {
    new Snowfall(0.1, 0.3, 3, 0.5, new Trail(10, 4), 0.8),
    new Snowfall(0.2, 0.3, 2, 0.5, new Trail(12, 4), 0.7),
    new Snowfall(0.55, 0.3, 4, 0.9, new Trail(12, 8), 0.7),
    new Snowfall(0.55, 0.3, 4.5, 0.85, new Trail(12, 8), 0.65),
    new Snowfall(0.55, 0.3, 2.5, 0.85, new Trail(12, 12), 0.55)
  };
  private static final Rime[] FROST_SMALL = {
    new Rime(1, 0.2, 0.2),
    new Rime(1, 0.3, 0.2),
    new Rime(0.9, 0.4, 0.2),
    new Rime(0.85, 0.4, 0.2),
    new Rime(0.75, 0.45, 0.2)
  };
  private static final Rime[] FROST_LARGE = {
    new Rime(1, 0.4, 1),
    new Rime(0.8, 0.6, 1),
    new Rime(0.7, 0.7, 1),
    new Rime(0.65, 0.7, 1),
    new Rime(0.6, 0.75, 1)
  };
  private static final Elasticity[] ELASTIC_SMALL = {
    new Elasticity(0, 0, 2.56),
    new Elasticity(1.6, 6.4, 2.24),
    new Elasticity(2.56, 1.92, 1.92),
    new Elasticity(3.2, 1.28, 1.6),
    new Elasticity(3.2, 0.96, 0.96)
  };
  // multiples of 244, where 224 was meant
  private static final Elasticity[] ELASTIC_LARGE = {
    new Elasticity(488, 170.8, 24.4),
    new Elasticity(488, 19.52, 48.8),
    new Elasticity(12.2, 2.44, 4.88),
    new Elasticity(17.08, 2.44, 4.88),
    new Elasticity(29.28, 2.44, 4.88)
  };
  private static final int[] JPEG_SMALL = {80, 65, 58, 50, 40};
  private static final int[] JPEG_LARGE = {25, 18, 15, 10, 7};
  private static final double[] SPECKLE_SMALL = {0.06, 0.1, 0.12, 0.16, 0.2};
  private static final double[] SPECKLE_LARGE = {0.15, 0.2, 0.35, 0.45, 0.6};
  private static final double[] BLUR_SMALL = {0.4, 0.6, 0.7, 0.8, 1};
  private static final double[] BLUR_LARGE = {1, 2, 3, 4, 6};
  private static final Splashes[] SPATTER_SMALL = {
    new Splashes(0.62, 0.1, 0.7, 0.7, 0.5, false),
    new Splashes(0.65, 0.1, 0.8, 0.7, 0.5, false),
    new Splashes(0.65, 0.3, 1, 0.69, 0.5, false),
    new Splashes(0.65, 0.1, 0.7, 0.69, 0.6, true),
    new Splashes(0.65, 0.1, 0.5, 0.68, 0.6, true)
  };
  private static final Splashes[] SPATTER_LARGE = {
    new Splashes(0.65, 0.3, 4, 0.69, 0.6, false),
    new Splashes(0.65, 0.3, 3, 0.68, 0.6, false),
    new Splashes(0.65, 0.3, 2, 0.68, 0.5, false),
    new Splashes(0.65, 0.3, 1, 0.65, 1.5, true),
    new Splashes(0.67, 0.4, 1, 0.65, 1.5, true)
  };
  private static final Saturation[] SATURATE_SMALL = {
    new Saturation(0.3, 0),
    new Saturation(0.1, 0),
    new Saturation(1.5, 0),
    new Saturation(2, 0.1),
    new Saturation(2.5, 0.2)
  };
  private static final Saturation[] SATURATE_LARGE = {
    new Saturation(0.3, 0),
    new Saturation(0.1, 0),
    new Saturation(2, 0),
    new Saturation(5, 0.1),
    new Saturation(20, 0.2)
  };

  // ours: the light of a day that fades to a street at night, seen without a longer exposure
  private static final double[] DARKNESS = {0.6, 0.35, 0.2, 0.1, 0.05};
  private static final double PHOTONS_SMALL = 1000;
  private static final double PHOTONS_LARGE = 250;
  // ours: from a little too warm to a camera set to shade under the light of a bulb
  private static final Gains[] COLOUR_CAST = {
    new Gains(1.1, 1, 0.88),
    new Gains(1.2, 1, 0.76),
    new Gains(1.32, 1, 0.62),
    new Gains(1.46, 1, 0.48),
    new Gains(1.6, 1, 0.34)
  };

  private Severities() {}

  /** Standard deviation of the noise. */
  static double gaussianNoise(ImageShape shape, int severity) {
    return (large(shape) ? GAUSSIAN_LARGE : GAUSSIAN_SMALL)[severity - 1];
  }

  /** Photons that a value of 1 stands for. */
  static double shotNoise(ImageShape shape, int severity) {
    return (large(shape) ? SHOT_LARGE : SHOT_SMALL)[severity - 1];
  }

  /** Fraction of values replaced. */
  static double impulseNoise(ImageShape shape, int severity) {
    return (large(shape) ? IMPULSE_LARGE : IMPULSE_SMALL)[severity - 1];
  }

  /** Added to the value in HSV. */
  static double brightness(ImageShape shape, int severity) {
    return (large(shape) ? BRIGHTNESS_LARGE : BRIGHTNESS_SMALL)[severity - 1];
  }

  /** Factor on the distance from the mean. */
  static double contrast(ImageShape shape, int severity) {
    return (large(shape) ? CONTRAST_LARGE : CONTRAST_SMALL)[severity - 1];
  }

  /** Side of the small image as a fraction of the side of the whole. */
  static double pixelate(ImageShape shape, int severity) {
    return (large(shape) ? PIXELATE_LARGE : PIXELATE_SMALL)[severity - 1];
  }

  static Disc defocusBlur(ImageShape shape, int severity) {
    return (large(shape) ? DEFOCUS_LARGE : DEFOCUS_SMALL)[severity - 1];
  }

  static Glass glassBlur(ImageShape shape, int severity) {
    return (large(shape) ? GLASS_LARGE : GLASS_SMALL)[severity - 1];
  }

  static Trail motionBlur(ImageShape shape, int severity) {
    return (large(shape) ? MOTION_LARGE : MOTION_SMALL)[severity - 1];
  }

  static Zooms zoomBlur(ImageShape shape, int severity) {
    return (large(shape) ? ZOOM_LARGE : ZOOM_SMALL)[severity - 1];
  }

  static Snowfall snow(ImageShape shape, int severity) {
    return (large(shape) ? SNOW_LARGE : SNOW_SMALL)[severity - 1];
  }

  static Rime frost(ImageShape shape, int severity) {
    return (large(shape) ? FROST_LARGE : FROST_SMALL)[severity - 1];
  }

  static Elasticity elasticTransform(ImageShape shape, int severity) {
    return (large(shape) ? ELASTIC_LARGE : ELASTIC_SMALL)[severity - 1];
  }

  /** Quality, 1 to 100. */
  static int jpegCompression(ImageShape shape, int severity) {
    return (large(shape) ? JPEG_LARGE : JPEG_SMALL)[severity - 1];
  }

  static Cloud fog(ImageShape shape, int severity) {
    return (large(shape) ? FOG_LARGE : FOG_SMALL)[severity - 1];
  }

  /** Standard deviation of the noise at a value of 1. */
  static double speckleNoise(ImageShape shape, int severity) {
    return (large(shape) ? SPECKLE_LARGE : SPECKLE_SMALL)[severity - 1];
  }

  /** Standard deviation of the blur in pixels. */
  static double gaussianBlur(ImageShape shape, int severity) {
    return (large(shape) ? BLUR_LARGE : BLUR_SMALL)[severity - 1];
  }

  static Splashes spatter(ImageShape shape, int severity) {
    return (large(shape) ? SPATTER_LARGE : SPATTER_SMALL)[severity - 1];
  }

  static Saturation saturate(ImageShape shape, int severity) {
    return (large(shape) ? SATURATE_LARGE : SATURATE_SMALL)[severity - 1];
  }

  /** A pixel of a large image is smaller on the sensor, so it catches fewer photons. */
  static Light darkness(ImageShape shape, int severity) {
    return new Light(DARKNESS[severity - 1], large(shape) ? PHOTONS_LARGE : PHOTONS_SMALL);
  }

  static Gains colourCast(int severity) {
    return COLOUR_CAST[severity - 1];
  }

  private static boolean large(ImageShape shape) {
    return Math.min(shape.height(), shape.width()) >= LARGE_FROM;
  }
}
