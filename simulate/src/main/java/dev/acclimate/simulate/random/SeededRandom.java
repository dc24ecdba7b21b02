package dev.acclimate.simulate.random;

import java.util.random.RandomGenerator;

/**
 * SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"), seeded
 * by a path of numbers such as (seed, corruption, severity, sample).
 *
 * <p>A path names a stream of numbers, so that what a sample gets does not depend on which samples
 * came before it or on which thread drew them. The derived draws are written out here, since the
 * defaults of {@link RandomGenerator} may differ between Java versions.
 *
 * <p>Not safe for use by several threads: give each sample its own.
 */
public final class SeededRandom implements RandomGenerator {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;
  private double spareGaussian = Double.NaN;

  private SeededRandom(long state) {
    this.state = state;
  }

  /** The stream of numbers that {@code path} names. */
  public static SeededRandom of(long... path) {
    long state = 0;
    for (long part : path) {
      state = mix(state + GOLDEN_GAMMA + mix(part ^ GOLDEN_GAMMA));
    }
    return new SeededRandom(state);
  }

  private static long mix(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }

  @Override
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  @Override
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive, found " + bound);
    }
    // multiply and shift: the bias is below bound / 2^32
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  @Override
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  @Override
  public double nextDouble(double origin, double bound) {
    return origin + (bound - origin) * nextDouble();
  }

  /** Standard normal, by Marsaglia's polar method (1964). */
  @Override
  public double nextGaussian() {
    if (!Double.isNaN(spareGaussian)) {
      double spare = spareGaussian;
      spareGaussian = Double.NaN;
      return spare;
    }
    while (true) {
      double u = 2 * nextDouble() - 1;
      double v = 2 * nextDouble() - 1;
      double square = u * u + v * v;
      if (square > 0 && square < 1) {
        double factor = Math.sqrt(-2 * StrictMath.log(square) / square);
        spareGaussian = v * factor;
        return u * factor;
      }
    }
  }

  /** Exponentially distributed with mean 1. */
  @Override
  public double nextExponential() {
    // 1 - U lies in (0, 1]
    return -StrictMath.log(1 - nextDouble());
  }

  /** Puts {@code values} in random order (Fisher and Yates). */
  public void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int held = values[i];
      values[i] = values[j];
      values[j] = held;
    }
  }
}
