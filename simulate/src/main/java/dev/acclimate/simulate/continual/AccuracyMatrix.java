package dev.acclimate.simulate.continual;

import java.util.Arrays;

/**
 * Accuracies {@code R[i][j]} on task j after learning up to task i, as fractions, and {@code b[j]}
 * before any; and what the field reads off them. Lopez-Paz and Ranzato 2017 (GEM), section 2;
 * forgetting as of Chaudhry et al. 2018 (ECCV), section 3.
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
public record AccuracyMatrix(double[] before, double[][] after) {

  /** How many tasks there are. */
  public int tasks() {
    return before.length;
  }

  private double[] last() {
    return after[tasks() - 1];
  }

  /** {@code mean_j R[T][j]}. */
  public double average() {
    return Arrays.stream(last()).average().orElseThrow();
  }

  /** {@code mean_j R[j][j]}: how well each task was learnt when it was new. */
  public double newest() {
    double sum = 0;
    for (int task = 0; task < tasks(); task++) {
      sum += after[task][task];
    }
    return sum / tasks();
  }

  /** {@code mean_{j<T} (max_{i<T} R[i][j] - R[T][j])}: above 0 where something was lost. */
  public double forgetting() {
    double sum = 0;
    for (int task = 0; task < tasks() - 1; task++) {
      double best = 0;
      for (int i = 0; i < tasks() - 1; i++) {
        best = Math.max(best, after[i][task]);
      }
      sum += best - last()[task];
    }
    return sum / (tasks() - 1);
  }

  /** {@code mean_{j<T} (R[T][j] - R[j][j])}: below 0 where later tasks harmed earlier ones. */
  public double backwardTransfer() {
    double sum = 0;
    for (int task = 0; task < tasks() - 1; task++) {
      sum += last()[task] - after[task][task];
    }
    return sum / (tasks() - 1);
  }

  /** {@code mean_{j>1} (R[j-1][j] - b[j])}: above 0 where earlier tasks helped later ones. */
  public double forwardTransfer() {
    double sum = 0;
    for (int task = 1; task < tasks(); task++) {
      sum += after[task - 1][task] - before[task];
    }
    return sum / (tasks() - 1);
  }

  /** Mean accuracy on the tasks seen so far, after each. */
  public double[] averageSoFar() {
    double[] curve = new double[tasks()];
    for (int i = 0; i < curve.length; i++) {
      curve[i] = Arrays.stream(after[i]).limit(i + 1L).average().orElseThrow();
    }
    return curve;
  }
}
