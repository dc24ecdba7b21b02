package dev.acclimate.adapters;

import java.util.Arrays;

/** Losses of logits {@code [B, K]} from the papers' formulas, in double precision. */
final class PlainPredictions {
  private PlainPredictions() {}

  static double[] softmax(double[] logits, double temperature) {
    double top = Arrays.stream(logits).max().orElseThrow();
    double[] p = Arrays.stream(logits).map(z -> Math.exp((z - top) / temperature)).toArray();
    double sum = Arrays.stream(p).sum();
    return Arrays.stream(p).map(v -> v / sum).toArray();
  }

  static double entropy(double[] logits) {
    return -Arrays.stream(softmax(logits, 1)).map(p -> p * Math.log(p)).sum();
  }

  static double meanEntropy(double[][] logits) {
    return Arrays.stream(logits).mapToDouble(PlainPredictions::entropy).average().orElseThrow();
  }

  /** {@code rho past + (1 - rho) P^T P}. */
  static double[][] correlation(
      double[][] logits, double temperature, double rho, double[][] past) {
    int classes = logits[0].length;
    double[][] r = new double[classes][classes];
    for (int i = 0; i < classes; i++) {
      for (int j = 0; j < classes; j++) {
        r[i][j] = rho * past[i][j];
        for (double[] row : logits) {
          double[] p = softmax(row, temperature);
          r[i][j] += (1 - rho) * p[i] * p[j];
        }
      }
    }
    return r;
  }

  /** The off-diagonal part of the correlation, rows divided by their sums, over K. */
  static double confusion(double[][] correlation) {
    double sum = 0;
    for (int i = 0; i < correlation.length; i++) {
      double row = Arrays.stream(correlation[i]).sum();
      sum += (row - correlation[i][i]) / row;
    }
    return sum / correlation.length;
  }
}
