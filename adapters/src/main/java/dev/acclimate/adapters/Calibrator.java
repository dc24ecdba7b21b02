package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Measures source samples at each site of the untouched model and clusters what it finds: by class
 * where each component can have one, else by the direction of the instance mean, which is what
 * UnMix-TNS compares by.
 *
 * <p>Memory: two floats per sample and channel.
 */
public final class Calibrator implements AutoCloseable {
  private final OnnxModel model;
  private final InstanceStatistics statistics;
  private final List<float[]> means = new ArrayList<>(); // [sum of C] a sample, centred
  private final List<float[]> variances = new ArrayList<>();
  private final List<Integer> labels = new ArrayList<>();

  private Calibrator(OnnxModel model, InstanceStatistics statistics) {
    this.model = model;
    this.statistics = statistics;
  }

  /**
   * Prepares a model for measuring.
   *
   * @throws InvalidInputException when it has no site with a spatial axis
   */
  public static Calibrator open(OnnxModel model, SessionSettings settings) {
    return new Calibrator(model, InstanceStatistics.open(model, settings));
  }

  /**
   * Measures a batch.
   *
   * @param batch a tensor for each input
   * @param classes the samples' classes, empty where they are unknown
   * @throws InvalidInputException when a statistic is not finite
   */
  public void add(Map<String, Tensor> batch, int... classes) {
    int before = samples();
    statistics.measure(
        batch,
        (centred, variance) -> {
          means.add(centred);
          variances.add(variance);
        });
    int measured = samples() - before;
    if (classes.length != 0 && classes.length != measured) {
      throw new IllegalArgumentException(classes.length + " classes for " + measured + " samples");
    }
    Arrays.stream(classes).forEach(labels::add);
  }

  /** Samples measured so far. */
  public int samples() {
    return means.size();
  }

  /**
   * Clusters what was measured.
   *
   * @param components K
   * @param seed of the clustering
   * @throws InvalidInputException when there are fewer samples than components
   */
  public Calibration cluster(int components, long seed) {
    if (samples() < components) {
      throw new InvalidInputException(
          "calibration: expected at least "
              + components
              + " samples, one a component, found "
              + samples());
    }
    List<NormalizationSite> sites = statistics.sites();
    boolean byClass = labels.size() == samples() && new TreeSet<>(labels).size() == components;
    List<SiteComponents> clustered =
        IntStream.range(0, sites.size())
            .parallel()
            .mapToObj(i -> cluster(i, components, seed + i, byClass))
            .toList();
    Map<String, SiteComponents> bySite = new LinkedHashMap<>();
    for (int i = 0; i < sites.size(); i++) {
      bySite.put(sites.get(i).name(), clustered.get(i));
    }
    Map<String, String> provenance = new TreeMap<>();
    provenance.put("model", model.name());
    provenance.put("samples", Integer.toString(samples()));
    provenance.put("grouping", byClass ? "class" : "k-means on the direction of the mean");
    provenance.put("seed", Long.toString(seed));
    return new Calibration(model.digest(), components, bySite, provenance);
  }

  private SiteComponents cluster(int index, int components, long seed, boolean byClass) {
    List<NormalizationSite> sites = statistics.sites();
    NormalizationSite site = sites.get(index);
    int offset = 0;
    for (int i = 0; i < index; i++) {
      offset += sites.get(i).channels();
    }
    int channels = site.channels();
    double[][] m = new double[samples()][channels];
    for (int b = 0; b < m.length; b++) {
      for (int c = 0; c < channels; c++) {
        m[b][c] = means.get(b)[offset + c] + (double) site.mean()[c];
      }
    }
    int[] group = byClass ? classIndices() : DirectionClustering.cluster(m, components, seed);

    int[] counts = new int[components];
    double[][] mean = new double[components][channels];
    double[][] variance = new double[components][channels];
    for (int b = 0; b < m.length; b++) {
      counts[group[b]]++;
      for (int c = 0; c < channels; c++) {
        mean[group[b]][c] += m[b][c];
        variance[group[b]][c] += variances.get(b)[offset + c];
      }
    }
    for (int k = 0; k < components; k++) {
      for (int c = 0; c < channels; c++) {
        mean[k][c] /= counts[k];
        variance[k][c] /= counts[k];
      }
    }
    // a component stands for its instances' own variance and for how their means differ
    double[][] spread = new double[components][channels];
    for (int b = 0; b < m.length; b++) {
      for (int c = 0; c < channels; c++) {
        double difference = m[b][c] - mean[group[b]][c];
        spread[group[b]][c] += difference * difference;
      }
    }
    float[] packedMean = new float[components * channels];
    float[] packedVariance = new float[components * channels];
    for (int k = 0; k < components; k++) {
      for (int c = 0; c < channels; c++) {
        packedMean[k * channels + c] = (float) mean[k][c];
        packedVariance[k * channels + c] = (float) (variance[k][c] + spread[k][c] / counts[k]);
      }
    }
    return new SiteComponents(components, packedMean, packedVariance);
  }

  private int[] classIndices() {
    List<Integer> classes = new ArrayList<>(new TreeSet<>(labels));
    return labels.stream()
        .mapToInt(label -> Arrays.binarySearch(classes.toArray(), label))
        .toArray();
  }

  @Override
  public void close() {
    statistics.close();
  }
}
