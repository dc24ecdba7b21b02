package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ImageShape;

/**
 * The published parameters, severities 1 to 5: of CIFAR-10-C for small images, of ImageNet-C for
 * images as large as those (hendrycks/robustness, {@code make_cifar_c.py} and {@code
 * make_imagenet_c.py}). The two sets differ because the same noise hides more in fewer pixels.
 */
final class Severities {

  /** Images at least this high and wide are as ImageNet's (224), the others as CIFAR's (32). */
  private static final int LARGE_FROM = 128;

  /** A disc's radius and the width of the Gaussian that softens its edge, both in pixels. */
  record Disc(double radius, double softening) {}

  /** The cloud's strength, and how fast its detail fades from one scale to the next. */
  record Cloud(double strength, double decay) {}

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

  static Cloud fog(ImageShape shape, int severity) {
    return (large(shape) ? FOG_LARGE : FOG_SMALL)[severity - 1];
  }

  private static boolean large(ImageShape shape) {
    return Math.min(shape.height(), shape.width()) >= LARGE_FROM;
  }
}
