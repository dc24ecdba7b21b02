package dev.acclimate.adapters.learning;

import java.util.Map;
import java.util.Objects;

/**
 * The loss of {@link TinyClassifier} under AdaB2N's training form, in double precision and as the
 * paper's code writes it: for central differences.
 */
final class PlainBalancedLoss {
  private static final double EPSILON = 1e-5f;

  private final double[][][] x; // [B][C][positions]
  private final long[] labels;
  private final int[] tasks;
  private final int tasksSeen;
  private final double eta;
  private final double lambda;

  PlainBalancedLoss(
      double[][][] x, long[] labels, int[] tasks, int tasksSeen, double eta, double lambda) {
    this.x = x;
    this.labels = labels;
    this.tasks = tasks;
    this.tasksSeen = tasksSeen;
    this.eta = eta;
    this.lambda = lambda;
  }

  /**
   * The loss; the running statistics that the regularizer compares with are constants of it, given
   * by {@code frozen} where it is not null, and else written there.
   *
   * @param values parameters by name, row-major, and {@code psi}, {@code [sites][slots]} flattened
   */
  double of(Map<String, double[]> values, double[][] frozen) {
    double[][][] h = x;
    double regularizer = 0;
    for (int site = 1; site <= 2; site++) {
      double[][][] c = convolution(h, get(values, "w" + site));
      double[] weights = weights(get(values, "psi"), site - 1);
      double[] mean = new double[TinyClassifier.WIDTH];
      double[] variance = new double[TinyClassifier.WIDTH];
      for (int k = 0; k < mean.length; k++) {
        for (int b = 0; b < c.length; b++) {
          mean[k] += weights[b] * average(c[b][k], 0);
        }
        for (int b = 0; b < c.length; b++) {
          variance[k] += weights[b] * average(c[b][k], mean[k]);
        }
      }
      int at = 2 * (site - 1);
      if (frozen[at] == null) {
        frozen[at] = moved(get(values, "mean" + site), mean);
        frozen[at + 1] = moved(get(values, "var" + site), variance);
      }
      for (int k = 0; k < mean.length; k++) {
        regularizer += Math.pow(mean[k] - frozen[at][k], 2) / mean.length;
        regularizer += Math.pow(variance[k] - frozen[at + 1][k], 2) / mean.length;
      }
      h = normalized(c, mean, variance, get(values, "gamma" + site), get(values, "beta" + site));
    }
    return crossEntropy(h, get(values, "fc"), get(values, "bias")) + lambda * regularizer;
  }

  private static double[] get(Map<String, double[]> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private double[] moved(double[] running, double[] batch) {
    double[] next = new double[running.length];
    for (int k = 0; k < next.length; k++) {
      next[k] = running[k] + eta * (batch[k] - running[k]);
    }
    return next;
  }

  private double[] weights(double[] psi, int site) {
    int slots = psi.length / 2;
    double[] counts = new double[slots];
    for (int task : tasks) {
      counts[task]++;
    }
    double sum = 0;
    double[] concentration = new double[slots];
    for (int j = 0; j < tasksSeen; j++) {
      concentration[j] = Math.exp(psi[site * slots + j]) + counts[j];
      sum += concentration[j];
    }
    double[] weights = new double[tasks.length];
    for (int b = 0; b < weights.length; b++) {
      weights[b] = concentration[tasks[b]] / sum / counts[tasks[b]];
    }
    return weights;
  }

  /** Mean, or mean square distance to {@code from} where that is not 0. */
  private static double average(double[] values, double from) {
    double sum = 0;
    for (double value : values) {
      sum += from == 0 ? value : (value - from) * (value - from);
    }
    return sum / values.length;
  }

  private static double[][][] convolution(double[][][] h, double[] w) {
    int inputs = h[0].length;
    double[][][] c = new double[h.length][TinyClassifier.WIDTH][TinyClassifier.POSITIONS];
    for (int b = 0; b < h.length; b++) {
      for (int k = 0; k < TinyClassifier.WIDTH; k++) {
        for (int p = 0; p < TinyClassifier.POSITIONS; p++) {
          for (int i = 0; i < inputs; i++) {
            c[b][k][p] += w[k * inputs + i] * h[b][i][p];
          }
        }
      }
    }
    return c;
  }

  private static double[][][] normalized(
      double[][][] c, double[] mean, double[] variance, double[] gamma, double[] beta) {
    for (double[][] sample : c) {
      for (int k = 0; k < sample.length; k++) {
        for (int p = 0; p < sample[k].length; p++) {
          double standard = (sample[k][p] - mean[k]) / Math.sqrt(variance[k] + EPSILON);
          sample[k][p] = Math.max(0, gamma[k] * standard + beta[k]);
        }
      }
    }
    return c;
  }

  private double crossEntropy(double[][][] h, double[] fc, double[] bias) {
    double loss = 0;
    for (int b = 0; b < h.length; b++) {
      double[] logits = bias.clone();
      double sum = 0;
      for (int o = 0; o < logits.length; o++) {
        for (int k = 0; k < TinyClassifier.WIDTH; k++) {
          logits[o] += fc[o * TinyClassifier.WIDTH + k] * average(h[b][k], 0);
        }
        sum += Math.exp(logits[o]);
      }
      loss += Math.log(sum) - logits[(int) labels[b]];
    }
    return loss / h.length;
  }
}
