package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/**
 * Counts of photons at pixels: Poisson numbers whose means depend on the pixels' values.
 *
 * <p>Nearly all values are bytes. Each byte has its distribution tabulated, together with a guide
 * that tells where in it to begin for 64 equal parts of the unit interval (Chen and Asau 1974, "On
 * generating random variates from an empirical distribution"): a draw takes one random number and a
 * look or two, whatever the mean. For values in between there are the methods that need no table.
 */
final class PoissonCounts {
  private static final int LEVELS = 255;

  /** How far a value may lie from a byte's and still count as its. */
  private static final float SLACK = 1e-3f;

  private static final int GUIDE = 64;

  /** What a table leaves out at either end. */
  private static final double NEGLIGIBLE = 1e-12;

  /** From here on Hörmann's method is both valid and the faster one. */
  private static final double LARGE_MEAN = 10;

  /**
   * A distribution.
   *
   * @param least the count that {@code upTo} begins with
   * @param upTo probability of each count and all below it; the last is above any draw
   * @param guide for each part of the unit interval the first index whose {@code upTo} reaches it
   */
  @SuppressWarnings("ArrayRecordComponent")
  private record Table(int least, double[] upTo, int[] guide) {

    int draw(SeededRandom random) {
      double draw = random.nextDouble();
      int index = guide[(int) (draw * GUIDE)];
      while (upTo[index] <= draw) {
        index++;
      }
      return least + index;
    }
  }

  private final DoubleUnaryOperator mean;
  private final Table[] tables = new Table[LEVELS + 1];

  /**
   * Counts for values.
   *
   * @param mean count of a value in [0, 1]
   */
  PoissonCounts(DoubleUnaryOperator mean) {
    this.mean = mean;
    Arrays.setAll(tables, level -> table(mean.applyAsDouble((double) level / LEVELS)));
  }

  private static Table table(double mean) {
    if (mean == 0) {
      return new Table(0, new double[] {Double.MAX_VALUE}, new int[GUIDE]);
    }
    double logMean = Math.log(mean);
    double reach = 8 * Math.sqrt(mean) + 16; // far beyond what is negligible
    int most = (int) (mean + reach);
    double[] all = new double[most + 1];
    double logFactorial = 0;
    double sum = 0;
    int least = 0;
    for (int count = 0; count <= most; count++) {
      logFactorial += count > 1 ? Math.log(count) : 0;
      sum += Math.exp(count * logMean - mean - logFactorial);
      all[count] = sum;
      least = sum < NEGLIGIBLE ? count + 1 : least;
    }
    double[] upTo = Arrays.copyOfRange(all, least, all.length);
    upTo[upTo.length - 1] = Double.MAX_VALUE;
    int[] guide = new int[GUIDE];
    int index = 0;
    for (int part = 0; part < GUIDE; part++) {
      while (upTo[index] <= (double) part / GUIDE) {
        index++;
      }
      guide[part] = index;
    }
    return new Table(least, upTo, guide);
  }

  /** A count at a pixel of this value, in [0, 1]. */
  int draw(float value, SeededRandom random) {
    float place = value * LEVELS;
    int level = Math.round(place);
    if (level >= 0 && level <= LEVELS && Math.abs(place - level) < SLACK) {
      return tables[level].draw(random);
    }
    double expected = mean.applyAsDouble(value);
    return expected < LARGE_MEAN ? inversion(expected, random) : rejection(expected, random);
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

  /**
   * Hörmann's transformed rejection with squeeze (1993, "The transformed rejection method for
   * generating Poisson random variables", PTRS), whose cost does not grow with the mean.
   */
  private static int rejection(double mean, SeededRandom random) {
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
          <= count * logMean - mean - logFactorial(count)) {
        return count;
      }
    }
  }

  /** {@code log(n!)}: summed up where small, else Stirling's series. */
  private static double logFactorial(int n) {
    if (n < 16) {
      double sum = 0;
      for (int i = 2; i <= n; i++) {
        sum += Math.log(i);
      }
      return sum;
    }
    return (n + 0.5) * Math.log(n)
        - n
        + 0.5 * Math.log(2 * Math.PI)
        + 1.0 / (12.0 * n)
        - 1.0 / (360.0 * n * n * n);
  }
}
