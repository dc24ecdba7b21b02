package dev.acclimate.adapters;

import java.util.Arrays;

/**
 * The methods once more, slowly, in double precision and straight from the papers' formulas: what
 * the graphs are tested against. Shares no code with them.
 */
final class PlainNormalization {
  final double[] gamma;
  final double[] beta;
  final double[] sourceMean;
  final double[] sourceVariance;
  final double epsilon;

  PlainNormalization(OneSiteModel site) {
    this.gamma = widen(site.gamma());
    this.beta = widen(site.beta());
    this.sourceMean = widen(site.mean());
    this.sourceVariance = widen(site.variance());
    this.epsilon = site.epsilon();
  }

  static double[] widen(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  static float[] narrow(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  int channels() {
    return gamma.length;
  }

  /** Mean of each channel over batch and positions; x is {@code [B, C, S]}. */
  double[] batchMean(double[][][] x) {
    double[] mean = new double[channels()];
    for (int c = 0; c < mean.length; c++) {
      int n = 0;
      for (double[][] instance : x) {
        for (double value : instance[c]) {
          mean[c] += value;
          n++;
        }
      }
      mean[c] /= n;
    }
    return mean;
  }

  double[] batchVariance(double[][][] x) {
    double[] mean = batchMean(x);
    double[] variance = new double[channels()];
    for (int c = 0; c < mean.length; c++) {
      int n = 0;
      for (double[][] instance : x) {
        for (double value : instance[c]) {
          variance[c] += (value - mean[c]) * (value - mean[c]);
          n++;
        }
      }
      variance[c] /= n;
    }
    return variance;
  }

  double[][][] normalize(double[][][] x, double[] mean, double[] variance) {
    double[][] means = new double[x.length][];
    double[][] variances = new double[x.length][];
    Arrays.fill(means, mean);
    Arrays.fill(variances, variance);
    return normalize(x, means, variances);
  }

  double[][][] normalize(double[][][] x, double[][] mean, double[][] variance) {
    double[][][] y = new double[x.length][channels()][];
    for (int b = 0; b < x.length; b++) {
      for (int c = 0; c < channels(); c++) {
        y[b][c] = new double[x[b][c].length];
        for (int s = 0; s < y[b][c].length; s++) {
          y[b][c][s] =
              gamma[c] * (x[b][c][s] - mean[b][c]) / Math.sqrt(variance[b][c] + epsilon) + beta[c];
        }
      }
    }
    return y;
  }

  double[][][] source(double[][][] x) {
    return normalize(x, sourceMean, sourceVariance);
  }

  double[][][] testTime(double[][][] x) {
    return normalize(x, batchMean(x), batchVariance(x));
  }

  double[][][] alpha(double[][][] x, double sourceWeight) {
    return normalize(
        x,
        mix(sourceWeight, sourceMean, 1 - sourceWeight, batchMean(x)),
        mix(sourceWeight, sourceVariance, 1 - sourceWeight, batchVariance(x)));
  }

  double[][][] prior(double[][][] x, double priorSamples) {
    double n = x.length;
    double total = priorSamples + n;
    return normalize(
        x,
        mix(priorSamples / total, sourceMean, n / total, batchMean(x)),
        mix(priorSamples / total, sourceVariance, n / total, batchVariance(x)));
  }

  /** Updates {@code running = {mean, variance}} in place. */
  double[][][] ema(double[][][] x, double momentum, double[][] running) {
    double n = (double) x.length * x[0][0].length;
    double[] variance = batchVariance(x);
    for (int c = 0; c < channels(); c++) {
      variance[c] *= n > 1 ? n / (n - 1) : 1;
    }
    running[0] = mix(1 - momentum, running[0], momentum, batchMean(x));
    running[1] = mix(1 - momentum, running[1], momentum, variance);
    return normalize(x, running[0], running[1]);
  }

  /** {@code eta_t} of AdaB2N; {@code last} is 0 before the first batch. */
  static double nextEta(double last, double momentum, double kappa) {
    return last == 0 ? Math.pow(momentum, kappa) : last / (last + Math.pow(1 - momentum, kappa));
  }

  /**
   * AdaB2N's weight of each sample, which may add up to less than 1.
   *
   * @param psi by task
   * @param seen by task, the batch's own among them
   */
  static double[] taskWeights(int[] tasks, double[] psi, boolean[] seen) {
    double[] counts = new double[psi.length];
    for (int task : tasks) {
      counts[task]++;
    }
    double total = 0;
    for (int task = 0; task < psi.length; task++) {
      total += seen[task] ? Math.exp(psi[task]) + counts[task] : 0;
    }
    double[] weights = new double[tasks.length];
    for (int b = 0; b < tasks.length; b++) {
      double n = counts[tasks[b]];
      weights[b] = (Math.exp(psi[tasks[b]]) + n) / total / n;
    }
    return weights;
  }

  /**
   * AdaB2N with given sample weights. Updates {@code running = {mean, variance}} in place.
   *
   * @return what the batch's own statistics normalize, then what the running ones do
   */
  double[][][][] weighted(double[][][] x, double[] weights, double eta, double[][] running) {
    double[] mean = new double[channels()];
    double[] variance = new double[channels()];
    for (int c = 0; c < channels(); c++) {
      for (int b = 0; b < x.length; b++) {
        for (double value : x[b][c]) {
          mean[c] += weights[b] * value / x[b][c].length;
        }
      }
      for (int b = 0; b < x.length; b++) {
        for (double value : x[b][c]) {
          variance[c] += weights[b] * (value - mean[c]) * (value - mean[c]) / x[b][c].length;
        }
      }
    }
    running[0] = mix(1 - eta, running[0], eta, mean);
    running[1] = mix(1 - eta, running[1], eta, variance);
    return new double[][][][] {normalize(x, mean, variance), normalize(x, running[0], running[1])};
  }

  static double[] mix(double a, double[] x, double b, double[] y) {
    double[] sum = new double[x.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a * x[i] + b * y[i];
    }
    return sum;
  }

  /**
   * {@code auto}. Updates {@code state = {shift, log widening, trend, noise}} in place.
   *
   * @param means of the components, {@code [K][C]}
   * @param variances of the components, {@code [K][C]}
   */
  double[][][] auto(
      double[][][] x,
      double momentum,
      double caution,
      double temperature,
      double[][] means,
      double[][] variances,
      double[][] state) {
    int size = x.length;
    double[][] e = new double[size][channels()];
    double[] batchE = new double[channels()];
    double[] found = new double[channels()];
    double[] expected = new double[channels()];
    for (int b = 0; b < size; b++) {
      double[] m = batchMean(new double[][][] {x[b]});
      double[] v = batchVariance(new double[][][] {x[b]});
      double[] unshifted = mix(1, m, -1, state[0]);
      double[] p = assignment(unshifted, means, temperature);
      for (int c = 0; c < channels(); c++) {
        double mean = 0;
        double variance = 0;
        for (int k = 0; k < p.length; k++) {
          mean += p[k] * means[k][c];
          variance += p[k] * variances[k][c];
        }
        e[b][c] = unshifted[c] - mean;
        batchE[c] += e[b][c] / size;
        found[c] += (v[c] + e[b][c] * e[b][c]) / size;
        expected[c] += variance / size;
      }
    }
    double blend = Math.min(1, size / 64.0);
    double clear = 0;
    double doubt = 0;
    for (int c = 0; c < channels(); c++) {
      state[2][c] += blend * (batchE[c] - state[2][c]);
      clear += state[2][c] * state[2][c] / (sourceVariance[c] + epsilon);
      doubt += state[3][c] / (sourceVariance[c] + epsilon);
    }
    double instances = size * (2 / blend - 1);
    double evidence = Math.max(0, 1 - caution * doubt / instances / clear) / 2;
    double steady = 1 - Math.pow(1 - momentum, size / 64.0);
    double rate = Math.max(steady, blend * evidence);
    double[] variance = new double[channels()];
    for (int c = 0; c < channels(); c++) {
      double step = rate * batchE[c];
      double noise = 0;
      for (int b = 0; b < size; b++) {
        noise += (e[b][c] - step) * (e[b][c] - step) / size;
      }
      double widening = Math.log((found[c] + epsilon) / (expected[c] + epsilon));
      state[0][c] += step;
      state[1][c] += rate * (widening - state[1][c]);
      state[2][c] -= step;
      state[3][c] += steady * (noise - state[3][c]);
      variance[c] = sourceVariance[c] * Math.exp(state[1][c]);
    }
    return normalize(x, mix(1, sourceMean, 1, state[0]), variance);
  }

  static double[] assignment(double[] mean, double[][] components, double temperature) {
    double[] p = new double[components.length];
    double sum = 0;
    for (int k = 0; k < p.length; k++) {
      p[k] = Math.exp((cosine(mean, components[k]) - 1) / temperature);
      sum += p[k];
    }
    for (int k = 0; k < p.length; k++) {
      p[k] /= sum;
    }
    return p;
  }

  /** Updates the components {@code [K][C]} in place; forms every {@code [B, K, C]} value. */
  double[][][] unmix(
      double[][][] x, double lambda, double temperature, double[][] means, double[][] variances) {
    int components = means.length;
    double[][] m = new double[x.length][];
    double[][] v = new double[x.length][];
    double[][] p = new double[x.length][components];
    double[][] mu = new double[x.length][channels()];
    double[][] var = new double[x.length][channels()];
    for (int b = 0; b < x.length; b++) {
      m[b] = batchMean(new double[][][] {x[b]});
      v[b] = batchVariance(new double[][][] {x[b]});
      double sum = 0;
      double top = Double.NEGATIVE_INFINITY;
      for (int k = 0; k < components; k++) {
        p[b][k] = cosine(m[b], means[k]) / temperature;
        top = Math.max(top, p[b][k]);
      }
      for (int k = 0; k < components; k++) {
        p[b][k] = Math.exp(p[b][k] - top);
        sum += p[b][k];
      }
      for (int k = 0; k < components; k++) {
        p[b][k] /= sum;
      }
      for (int c = 0; c < channels(); c++) {
        double square = 0;
        for (int k = 0; k < components; k++) {
          double mean = (1 - p[b][k]) * means[k][c] + p[b][k] * m[b][c];
          mu[b][c] += mean / components;
          square += mean * mean / components;
          var[b][c] += ((1 - p[b][k]) * variances[k][c] + p[b][k] * v[b][c]) / components;
        }
        var[b][c] += square - mu[b][c] * mu[b][c];
      }
    }
    double[][][] y = normalize(x, mu, var);
    for (int k = 0; k < components; k++) {
      for (int c = 0; c < channels(); c++) {
        double meanStep = 0;
        double varianceStep = 0;
        for (int b = 0; b < x.length; b++) {
          meanStep += p[b][k] * (m[b][c] - means[k][c]) / x.length;
          varianceStep += p[b][k] * (v[b][c] - variances[k][c]) / x.length;
        }
        means[k][c] += lambda * meanStep;
        variances[k][c] += lambda * varianceStep;
      }
    }
    return y;
  }

  private static double cosine(double[] a, double[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return dot / (Math.max(Math.sqrt(aa), 1e-12) * Math.max(Math.sqrt(bb), 1e-12));
  }

  /** {@code ||ours - reference|| / ||reference||} over all values. */
  static double relativeError(float[] ours, double[] reference) {
    double difference = 0;
    double norm = 0;
    if (ours.length != reference.length) {
      throw new AssertionError(ours.length + " values, expected " + reference.length);
    }
    for (int i = 0; i < ours.length; i++) {
      difference += (ours[i] - reference[i]) * (ours[i] - reference[i]);
      norm += reference[i] * reference[i];
    }
    return Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-30);
  }

  static double[] flatten(double[][][] values) {
    return Arrays.stream(values).flatMap(Arrays::stream).flatMapToDouble(Arrays::stream).toArray();
  }

  static double[] flatten(double[][] values) {
    return Arrays.stream(values).flatMapToDouble(Arrays::stream).toArray();
  }
}
