package dev.acclimate.simulate.corruptions;

/** Noise that is drawn for each value of each channel on its own. */
final class Noise {

  private Noise() {}

  static Distortion gaussian(double deviation) {
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] += (float) (deviation * random.nextGaussian());
      }
    };
  }

  /** In proportion to the value. */
  static Distortion speckle(double deviation) {
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] += (float) (chw[i] * deviation * random.nextGaussian());
      }
    };
  }

  /**
   * Few photons.
   *
   * @param photons that a value of 1 stands for
   */
  static Distortion shot(double photons) {
    PoissonCounts counts = new PoissonCounts(value -> value * photons);
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] = (float) (counts.draw(chw[i], random) / photons);
      }
    };
  }

  /** Half of the values hit turn to 1, the others to 0. */
  static Distortion impulse(double fraction) {
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        double draw = random.nextDouble();
        if (draw < fraction) {
          chw[i] = draw < fraction / 2 ? 1 : 0;
        }
      }
    };
  }
}
