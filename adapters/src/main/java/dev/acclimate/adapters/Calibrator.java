package dev.acclimate.adapters;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
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
  private static final String MEAN = "acclimate/instance_mean";
  private static final String SQUARE = "acclimate/instance_square";

  private final OnnxModel model;
  private final List<NormalizationSite> sites;
  private final int totalChannels;
  private final ModelSession session;
  private final List<float[]> means = new ArrayList<>(); // [sum of C] a sample, centred
  private final List<float[]> variances = new ArrayList<>();
  private final List<Integer> labels = new ArrayList<>();

  private Calibrator(OnnxModel model, List<NormalizationSite> sites, ModelSession session) {
    this.model = model;
    this.sites = sites;
    this.totalChannels = sites.stream().mapToInt(NormalizationSite::channels).sum();
    this.session = session;
  }

  /**
   * Prepares a model for measuring.
   *
   * @throws InvalidInputException when it has no site with a spatial axis
   */
  public static Calibrator open(OnnxModel model, SessionSettings settings) {
    List<NormalizationSite> sites =
        NormalizationSites.find(model).stream().filter(NormalizationSite::isSpatial).toList();
    if (sites.isEmpty()) {
      throw new InvalidInputException(model.name() + ": no site has a spatial axis to measure");
    }
    return new Calibrator(model, sites, ModelSession.open(measuring(model, sites), settings));
  }

  /** The model with each site's instance statistics as outputs beside its own. */
  private static OnnxModel measuring(OnnxModel model, List<NormalizationSite> sites) {
    GraphEditor editor = new GraphEditor(model);
    OperatorWriter ops = editor.writer("acclimate/measure/");
    List<String> means = new ArrayList<>();
    List<String> squares = new ArrayList<>();
    for (NormalizationSite site : sites) {
      long[] channelShape = new long[site.rank()];
      Arrays.fill(channelShape, 1);
      channelShape[1] = site.channels();
      String centred = ops.sub(site.input(), ops.constant(site.mean(), channelShape));
      means.add(ops.reshape(ops.globalAveragePool(centred), 0, site.channels()));
      squares.add(
          ops.reshape(ops.globalAveragePool(ops.mul(centred, centred)), 0, site.channels()));
    }
    ops.alias(MEAN, ops.concat(1, means));
    ops.alias(SQUARE, ops.concat(1, squares));
    editor.append(ops.nodes());
    int channels = sites.stream().mapToInt(NormalizationSite::channels).sum();
    editor.addOutput(MEAN, ElementType.FP32, -1, channels);
    editor.addOutput(SQUARE, ElementType.FP32, -1, channels);
    return editor.build();
  }

  /**
   * Measures a batch.
   *
   * @param batch a tensor for each input
   * @param classes the samples' classes, empty where they are unknown
   */
  public void add(Map<String, Tensor> batch, int... classes) {
    Map<String, Tensor> outputs = session.run(batch);
    Tensor mean = output(outputs, MEAN);
    FloatBuffer m = mean.floats();
    FloatBuffer q = output(outputs, SQUARE).floats();
    int samples = (int) mean.size(0);
    if (classes.length != 0 && classes.length != samples) {
      throw new IllegalArgumentException(classes.length + " classes for " + samples + " samples");
    }
    for (int b = 0; b < samples; b++) {
      float[] centred = new float[totalChannels];
      float[] variance = new float[totalChannels];
      for (int c = 0; c < totalChannels; c++) {
        centred[c] = m.get();
        variance[c] = Math.max(q.get() - centred[c] * centred[c], 0);
        if (!Float.isFinite(centred[c]) || !Float.isFinite(variance[c])) {
          throw new InvalidInputException(
              model.name() + ": sample " + means.size() + " gives statistics that are not finite");
        }
      }
      means.add(centred);
      variances.add(variance);
      if (classes.length != 0) {
        labels.add(classes[b]);
      }
    }
  }

  private static Tensor output(Map<String, Tensor> outputs, String name) {
    Tensor tensor = outputs.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no output " + name);
    }
    return tensor;
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
    session.close();
  }
}
