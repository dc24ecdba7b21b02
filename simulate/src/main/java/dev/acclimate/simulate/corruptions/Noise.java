package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.random.SeededRandom;

/** Noise that is drawn for each value of each channel on its own. */
final class Noise {

  /** From here on Hörmann's method is both valid and the faster one. */
  private static final double LARGE_MEAN = 10;

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

  static Distortion shot(double photons) {
    LogFactorial logFactorial = new LogFactorial((int) (2 * photons) + 64);
    return (chw, random) -> {
      for (int i = 0; i < chw.length; i++) {
        chw[i] = (float) (poisson(chw[i] * photons, random, logFactorial) / photons);
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

  /**
   * A Poisson number: inversion for small means, else Hörmann's transformed rejection with squeeze
   * (1993, "The transformed rejection method for generating Poisson random variables", PTRS), whose
   * cost does not grow with the mean.
   */
  static int poisson(double mean, SeededRandom random, LogFactorial logFactorial) {
    return mean < LARGE_MEAN ? inversion(mean, random) : rejection(mean, random, logFactorial);
  }

  private static int inversion(double mean, SeededRandom random) {
    double left = random.nextDouble();
    double probability = Math.exp(-mean);
    int count = 0;
    // beyond 100 the probability is too small for a double to be left
    while (left >= probability && count < 100) {
      left -= probability;
      count++;
      probability *= mean / count;
    }
    return count;
  }

  private static int rejection(double mean, SeededRandom random, LogFactorial logFactorial) {
    double b = 0.931 + 2.53 * Math.sqrt(mean);
    double a = -0.059 + 0.02483 * b;
    double logInverseAlpha = Math.log(1.1239 + 1.1328 / (b - 3.4));
    double squeeze = 0.9277 - 3.6224 / (b - 2);
    double logMean = Math.log(mean);
    while (true) {
      double u = random.nextDouble() - 0.5;
      double v = random.nextDouble();
      double us = 0.5 - Math.abs(u);
      int count = (int) Math.floor((2 * a / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= squeeze) {
        return count;
      }
      if (count < 0 || (us < 0.013 && v > us)) {
        continue;
      }
      if (Math.log(v) + logInverseAlpha - Math.log(a / (us * us) + b)
          <= count * logMean - mean - logFactorial.of(count)) {
        return count;
      }
    }
  }

  /** {@code log(n!)}, from a table where it reaches. */
  static final class LogFactorial {
    private final double[] table;

    LogFactorial(int size) {
      table = new double[size];
      for (int n = 2; n < size; n++) {
        table[n] = table[n - 1] + Math.log(n);
      }
    }

    double of(int n) {
      if (n < table.length) {
        return table[n];
      }
      // Stirling's series; n is in the hundreds at least
      return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1.0 / (12.0 * n);
    }
  }
}
