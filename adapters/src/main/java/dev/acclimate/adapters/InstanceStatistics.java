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
import java.util.List;
import java.util.Map;

/**
 * The untouched model with a view into its sites: each sample's own mean and variance of what goes
 * in, over the spatial axes.
 */
final class InstanceStatistics implements AutoCloseable {
  private static final String MEAN = "acclimate/instance_mean";
  private static final String SQUARE = "acclimate/instance_square";

  /** Receives the samples of a batch, one by one. */
  @FunctionalInterface
  interface Sink {
    /**
     * One sample, all sites' channels side by side.
     *
     * @param centred mean less the source mean, {@code [sum of C]}; the sink's to keep
     * @param variance {@code [sum of C]}; the sink's to keep
     */
    void accept(float[] centred, float[] variance);
  }

  private final OnnxModel model;
  private final List<NormalizationSite> sites;
  private final int channels;
  private final ModelSession session;
  private long samples;

  private InstanceStatistics(OnnxModel model, List<NormalizationSite> sites, ModelSession session) {
    this.model = model;
    this.sites = sites;
    this.channels = sites.stream().mapToInt(NormalizationSite::channels).sum();
    this.session = session;
  }

  /**
   * Prepares a model for measuring.
   *
   * @throws InvalidInputException when it has no site with a spatial axis
   */
  static InstanceStatistics open(OnnxModel model, SessionSettings settings) {
    List<NormalizationSite> sites =
        NormalizationSites.find(model).stream().filter(NormalizationSite::isSpatial).toList();
    if (sites.isEmpty()) {
      throw new InvalidInputException(model.name() + ": no site has a spatial axis to measure");
    }
    return new InstanceStatistics(
        model, sites, ModelSession.open(measuring(model, sites), settings));
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

  /** The sites with a spatial axis, in graph order. */
  List<NormalizationSite> sites() {
    return sites;
  }

  /** Channels of all sites together. */
  int channels() {
    return channels;
  }

  /**
   * Measures a batch.
   *
   * @param batch a tensor for each input
   * @throws InvalidInputException when a statistic is not finite
   */
  void measure(Map<String, Tensor> batch, Sink sink) {
    Map<String, Tensor> outputs = session.run(batch);
    Tensor mean = output(outputs, MEAN);
    FloatBuffer m = mean.floats();
    FloatBuffer q = output(outputs, SQUARE).floats();
    for (int b = 0; b < mean.size(0); b++, samples++) {
      float[] centred = new float[channels];
      float[] variance = new float[channels];
      for (int c = 0; c < channels; c++) {
        centred[c] = m.get();
        variance[c] = Math.max(q.get() - centred[c] * centred[c], 0);
        if (!Float.isFinite(centred[c]) || !Float.isFinite(variance[c])) {
          throw new InvalidInputException(
              model.name() + ": sample " + samples + " gives statistics that are not finite");
        }
      }
      sink.accept(centred, variance);
    }
  }

  private static Tensor output(Map<String, Tensor> outputs, String name) {
    Tensor tensor = outputs.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no output " + name);
    }
    return tensor;
  }

  @Override
  public void close() {
    session.close();
  }
}
