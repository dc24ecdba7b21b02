package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * {@link TwoSiteModel} once more in double precision, its scale and offset free, so that losses can
 * be differentiated by differences.
 */
final class PlainTwoSites {
  private static final int KERNEL = 3;

  /**
   * How a site normalizes its input {@code [B, C, S]}; called for the first site, then the next.
   */
  interface Statistics {
    /** Means and variances, each {@code [B, C]}. */
    double[][][] of(int site, double[][][] x);
  }

  private final List<NormalizationSite> sites;
  private final double[][] weights;

  PlainTwoSites(OnnxModel model) {
    this(NormalizationSites.find(model), new double[][] {values(model, "w1"), values(model, "w2")});
  }

  private PlainTwoSites(List<NormalizationSite> sites, double[][] weights) {
    this.sites = sites;
    this.weights = weights;
  }

  /** Both convolutions' weights, one behind the other. */
  double[] weights() {
    return DoubleStream.concat(Arrays.stream(weights[0]), Arrays.stream(weights[1])).toArray();
  }

  /** The same network with other weights. */
  PlainTwoSites with(double... both) {
    int first = weights[0].length;
    return new PlainTwoSites(
        sites,
        new double[][] {Arrays.copyOf(both, first), Arrays.copyOfRange(both, first, both.length)});
  }

  private static double[] values(OnnxModel model, String name) {
    return model.graph().getInitializerList().stream()
        .filter(tensor -> tensor.getName().equals(name))
        .flatMap(tensor -> tensor.getFloatDataList().stream())
        .mapToDouble(Float::doubleValue)
        .toArray();
  }

  /** All gamma, then all beta, sites in graph order. */
  double[] start() {
    List<Double> values = new ArrayList<>();
    for (NormalizationSite site : sites) {
      for (float gamma : site.gamma()) {
        values.add((double) gamma);
      }
    }
    for (NormalizationSite site : sites) {
      for (float beta : site.beta()) {
        values.add((double) beta);
      }
    }
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** {@code [B, classes]}. */
  double[][] logits(Tensor images, double[] parameters, Statistics statistics) {
    int batch = Math.toIntExact(images.size(0));
    double[][][] x =
        new double[batch][TwoSiteModel.CHANNELS][TwoSiteModel.SIZE * TwoSiteModel.SIZE];
    float[] pixels = images.toFloatArray();
    int i = 0;
    for (double[][] image : x) {
      for (double[] channel : image) {
        for (int s = 0; s < channel.length; s++) {
          channel[s] = pixels[i++];
        }
      }
    }
    int size = TwoSiteModel.SIZE;
    int offset = 0;
    for (int site = 0; site < 2; site++) {
      double[][][] h = convolved(x, size, weights[site], sites.get(site).channels());
      size -= KERNEL - 1;
      x = normalized(h, site, offset, parameters, statistics.of(site, h));
      offset += sites.get(site).channels();
    }
    double[][] logits = new double[batch][];
    for (int b = 0; b < batch; b++) {
      logits[b] =
          Arrays.stream(x[b]).mapToDouble(c -> Arrays.stream(c).average().orElseThrow()).toArray();
    }
    return logits;
  }

  private static double[][][] convolved(double[][][] x, int size, double[] weights, int channels) {
    int smaller = size - KERNEL + 1;
    double[][][] h = new double[x.length][channels][smaller * smaller];
    for (int b = 0; b < x.length; b++) {
      for (int o = 0; o < channels; o++) {
        for (int s = 0; s < smaller * smaller; s++) {
          for (int c = 0; c < x[b].length; c++) {
            for (int k = 0; k < KERNEL * KERNEL; k++) {
              int place = (s / smaller + k / KERNEL) * size + s % smaller + k % KERNEL;
              h[b][o][s] += weights[(o * x[b].length + c) * KERNEL * KERNEL + k] * x[b][c][place];
            }
          }
        }
      }
    }
    return h;
  }

  private double[][][] normalized(
      double[][][] h, int site, int offset, double[] parameters, double[][][] statistics) {
    double[][][] y = new double[h.length][h[0].length][h[0][0].length];
    for (int b = 0; b < h.length; b++) {
      for (int c = 0; c < h[b].length; c++) {
        double gamma = parameters[offset + c];
        double beta = parameters[parameters.length / 2 + offset + c];
        double deviation = Math.sqrt(statistics[1][b][c] + sites.get(site).epsilon());
        for (int s = 0; s < h[b][c].length; s++) {
          double value = gamma * (h[b][c][s] - statistics[0][b][c]) / deviation + beta;
          y[b][c][s] = Math.max(value, 0);
        }
      }
    }
    return y;
  }

  /** {@code alpha-bn}; {@code tbn} with source weight 0. */
  Statistics mixedWithSource(double sourceWeight) {
    return (site, x) -> {
      double[][][] statistics = new double[2][x.length][x[0].length];
      double count = (double) x.length * x[0][0].length;
      for (int c = 0; c < x[0].length; c++) {
        double mean = 0;
        for (double[][] image : x) {
          mean += Arrays.stream(image[c]).sum() / count;
        }
        double variance = 0;
        for (double[][] image : x) {
          double centre = mean;
          variance += Arrays.stream(image[c]).map(v -> (v - centre) * (v - centre)).sum() / count;
        }
        for (int b = 0; b < x.length; b++) {
          statistics[0][b][c] =
              sourceWeight * sites.get(site).mean()[c] + (1 - sourceWeight) * mean;
          statistics[1][b][c] =
              sourceWeight * sites.get(site).variance()[c] + (1 - sourceWeight) * variance;
        }
      }
      return statistics;
    };
  }

  /**
   * UnMix-TNS, the assignment to components that of the first call at each site: no gradient goes
   * through it.
   *
   * @param state packed {@code component_mean} and {@code component_var}
   */
  Statistics unmixed(int components, double temperature, AdaptationState state) {
    double[] means = PlainNormalization.widen(state.tensors().get("component_mean").toFloatArray());
    double[] variances =
        PlainNormalization.widen(state.tensors().get("component_var").toFloatArray());
    int width = means.length / components;
    double[][][] held = new double[2][][];
    return (site, x) -> {
      int offset = site == 0 ? 0 : sites.get(0).channels();
      int channels = x[0].length;
      double[][][] own = instances(x);
      double[][] m = new double[components][channels];
      double[][] v = new double[components][channels];
      for (int k = 0; k < components; k++) {
        System.arraycopy(means, k * width + offset, m[k], 0, channels);
        System.arraycopy(variances, k * width + offset, v[k], 0, channels);
      }
      if (held[site] == null) {
        held[site] =
            Arrays.stream(own[0])
                .map(mean -> PlainNormalization.assignment(mean, m, temperature))
                .toArray(double[][]::new);
      }
      double[][][] statistics = new double[2][x.length][channels];
      for (int b = 0; b < x.length; b++) {
        for (int c = 0; c < channels; c++) {
          double mean = 0;
          double square = 0;
          for (int k = 0; k < components; k++) {
            double p = held[site][b][k];
            double mixed = (1 - p) * m[k][c] + p * own[0][b][c];
            mean += mixed / components;
            square += ((1 - p) * v[k][c] + p * own[1][b][c] + mixed * mixed) / components;
          }
          statistics[0][b][c] = mean;
          statistics[1][b][c] = square - mean * mean;
        }
      }
      return statistics;
    };
  }

  private static double[][][] instances(double[][][] x) {
    double[][][] statistics = new double[2][x.length][x[0].length];
    for (int b = 0; b < x.length; b++) {
      for (int c = 0; c < x[b].length; c++) {
        double mean = Arrays.stream(x[b][c]).average().orElseThrow();
        statistics[0][b][c] = mean;
        statistics[1][b][c] =
            Arrays.stream(x[b][c]).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
      }
    }
    return statistics;
  }
}
