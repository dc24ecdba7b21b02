package dev.acclimate.simulate.orders;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The non-i.i.d. stream that papers on test-time adaptation share: each class is split over time
 * slots in proportions drawn from a symmetric Dirichlet(delta), and the slots come one after
 * another. A small delta puts nearly all of a class into one slot: long bursts of one class.
 *
 * <p>The published samplers differ in detail. Ours takes one slot per {@value #SAMPLES_PER_SLOT}
 * samples, so that bursts last for a few batches whatever the size of the set, and arranges a slot
 * as one block per class in random class order, as RoTTA (Yuan et al. 2023) does; samples within a
 * class are shuffled first, as in NOTE (Gong et al. 2022) and in the benchmark that UnMix-TNS is
 * evaluated with. NOTE further bars slots that are full from taking more, and draws again until
 * each holds ten samples; we leave this out, since it alters the distribution and fails on small
 * sets.
 */
final class DirichletOrder {

  /** The batch size that published streams are made for. */
  private static final int SAMPLES_PER_SLOT = 64;

  private final double delta;

  /**
   * An order with the given concentration.
   *
   * @param delta above 0 and finite
   */
  DirichletOrder(double delta) {
    this.delta = delta;
  }

  /** Indices into {@code labels}, each once. */
  int[] arrange(int[] labels, SeededRandom random) {
    List<int[]> classes = Order.byClass(labels);
    int slots = Math.max(1, Math.round(labels.length / (float) SAMPLES_PER_SLOT));
    int[][] cuts = new int[classes.size()][];
    for (int c = 0; c < cuts.length; c++) {
      random.shuffle(classes.get(c));
      cuts[c] = cuts(classes.get(c).length, dirichlet(slots, delta, random));
    }
    int[] order = new int[labels.length];
    int filled = 0;
    int[] turn = new int[cuts.length];
    Arrays.setAll(turn, c -> c);
    for (int slot = 0; slot < slots; slot++) {
      random.shuffle(turn);
      for (int c : turn) {
        int from = cuts[c][slot];
        int count = cuts[c][slot + 1] - from;
        System.arraycopy(classes.get(c), from, order, filled, count);
        filled += count;
      }
    }
    return order;
  }

  /** Bounds of the slots' shares in {@code count} samples: {@code [slots + 1]}, 0 to count. */
  private static int[] cuts(int count, double[] proportions) {
    int[] cuts = new int[proportions.length + 1];
    double sum = 0;
    for (int slot = 0; slot < proportions.length; slot++) {
      sum += proportions[slot];
      // rounded, not cut off: a sum just below 1 must not push a sample into a later slot
      cuts[slot + 1] = (int) Math.min(count, Math.round(sum * count));
    }
    cuts[proportions.length] = count;
    return cuts;
  }

  /**
   * Proportions that add up to 1. Normalised Gamma(delta) numbers, kept as logarithms: at delta
   * 0.01 most of them are below the smallest double.
   */
  static double[] dirichlet(int size, double delta, RandomGenerator random) {
    double[] logs = new double[size];
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < size; i++) {
      logs[i] = logGamma(delta, random);
      highest = Math.max(highest, logs[i]);
    }
    double sum = 0;
    for (int i = 0; i < size; i++) {
      logs[i] = Math.exp(logs[i] - highest);
      sum += logs[i];
    }
    for (int i = 0; i < size; i++) {
      logs[i] /= sum;
    }
    return logs;
  }

  /**
   * The logarithm of a Gamma(shape) number by Marsaglia and Tsang (2000, "A simple method for
   * generating gamma variables"). Shapes below 1 use their identity Gamma(a) = Gamma(a + 1) *
   * U^(1/a).
   */
  private static double logGamma(double shape, RandomGenerator random) {
    if (shape < 1) {
      // 1 - U lies in (0, 1]
      return logGamma(shape + 1, random) + Math.log(1 - random.nextDouble()) / shape;
    }
    double d = shape - 1.0 / 3;
    double c = 1 / Math.sqrt(9 * d);
    while (true) {
      double x = random.nextGaussian();
      double root = 1 + c * x;
      if (root > 0) {
        double v = root * root * root;
        if (Math.log(1 - random.nextDouble()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
          return Math.log(d) + Math.log(v);
        }
      }
    }
  }
}
