package dev.acclimate.adapters.guard;

import java.util.Arrays;

/**
 * Tests by betting whether a stream of scores in [-1, 1] has begun to lie above 0 on average: an
 * e-detector (Shin, Ramdas, Rinaldo 2023, "E-detectors: a nonparametric framework for sequential
 * change detection"). A gambler who had 1 at the start, and 1 again whenever he had less, bets a
 * part of it on each score. While scores are 0 or less on average, he has more than {@code e^x}
 * less often than once in {@code e^x} scores, whatever their distribution and however often one
 * looks; when they begin to lie above, it grows exponentially.
 *
 * <p>Several parts are bet side by side, since the best one depends on the mean and the spread.
 */
final class SequentialTest {
  private static final double[] STAKES = {0.1, 0.4, 0.9};

  /** No more than that is remembered, so that an old certainty can be unlearnt. */
  private final double most;

  private final double[] logs = new double[STAKES.length];

  SequentialTest(double most) {
    this.most = most;
  }

  void add(double score) {
    for (int i = 0; i < logs.length; i++) {
      logs[i] = Math.min(most, Math.max(0, logs[i]) + Math.log1p(STAKES[i] * score));
    }
  }

  /** The logarithm of what the gambler has, at least 0. */
  double evidence() {
    double sum = 0;
    for (double log : logs) {
      sum += Math.exp(log) / logs.length;
    }
    return Math.max(0, Math.log(sum));
  }

  void clear() {
    Arrays.fill(logs, 0);
  }
}
