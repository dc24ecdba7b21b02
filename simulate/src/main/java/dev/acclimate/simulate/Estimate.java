package dev.acclimate.simulate;

import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A mean and the interval that it lies in.
 *
 * @param mean the point estimate
 * @param low lower end of the interval; minus infinity where there is too little to tell from
 * @param high upper end, likewise
 */
public record Estimate(double mean, double low, double high) {

  /**
   * Student's t interval.
   *
   * @param error standard error of the mean
   * @param freedom its degrees of freedom, not necessarily whole; at 0 the interval is everything
   * @param confidence that the interval holds the true mean, below 1
   */
  static Estimate of(double mean, double error, double freedom, double confidence) {
    if (!(freedom > 0)) {
      return new Estimate(mean, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }
    double half =
        error * TDistribution.of(freedom).inverseSurvivalProbability((1 - confidence) / 2);
    return new Estimate(mean, mean - half, mean + half);
  }

  /** The same, the interval cut at what the mean can be; what is infinite stays so. */
  Estimate within(double least, double most) {
    return Double.isInfinite(low)
        ? this
        : new Estimate(mean, Math.max(least, low), Math.min(most, high));
  }

  /** True where the interval does not hold 0: the sign of the mean is sure. */
  public boolean isDistinct() {
    return low > 0 || high < 0;
  }
}
