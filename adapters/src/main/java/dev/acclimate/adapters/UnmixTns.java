package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OperatorWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * UnMix-TNS: K components per site, each the statistics of a part of the stream; an instance is
 * normalized with their mixture, to which it contributes by its similarity to each. Tomar et al.,
 * ICLR 2024, "Un-Mixing Test-Time Normalization Statistics: Combatting Label Temporal Correlation".
 *
 * <p>The reference forms {@code [B, K, C]} tensors; expanding its squares leaves products of {@code
 * [B, K]} and {@code [K, C]} matrices only, so the cost beside the two passes that measure the
 * instances does not grow with K in practice. Variances are shift-invariant, so this algebra runs
 * on means centred on the source, where no digits cancel; only the cosine similarity needs the
 * means themselves.
 *
 * @param components K
 * @param momentum how far a reference batch moves the components
 * @param referenceBatch the batch size that {@code momentum} is stated for
 * @param temperature of the softmax over similarities
 * @param start where the components start
 */
record UnmixTns(
    int components, double momentum, double referenceBatch, double temperature, Start start)
    implements Method {
  static final String NAME = "unmix-tns";
  private static final int DEFAULT_COMPONENTS = 16;
  private static final double DEFAULT_MOMENTUM = 0.1;
  private static final double DEFAULT_REFERENCE_BATCH = 64;
  private static final double DEFAULT_TEMPERATURE = 0.07;

  /** Of the source variance, the part that the components' own variance starts with. */
  private static final double OWN_VARIANCE = 0.5;

  /** Below it, similarities divided by the temperature leave the range of float32's softmax. */
  private static final double LEAST_TEMPERATURE = 1e-6;

  /** How the components start. */
  enum Start {
    /** The paper's: around the source statistics at random. */
    RANDOM,
    /** At clusters of source samples' statistics, see {@link Calibration}. */
    CALIBRATED;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static UnmixTns read(OptionReader options) {
    return new UnmixTns(
        options.integer("components", DEFAULT_COMPONENTS, 1, 4096),
        options.number("momentum", DEFAULT_MOMENTUM, 0, true, 1),
        options.number("reference-batch", DEFAULT_REFERENCE_BATCH, 0, true, Double.MAX_VALUE),
        options.number(
            "temperature", DEFAULT_TEMPERATURE, LEAST_TEMPERATURE, false, Double.MAX_VALUE),
        options.choice("init", Start.RANDOM, Start.class));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("components", Integer.toString(components));
    options.put("momentum", Double.toString(momentum));
    options.put("reference-batch", Double.toString(referenceBatch));
    options.put("temperature", Double.toString(temperature));
    options.put("init", start.toString());
    return options;
  }

  /**
   * Without a spatial axis an instance has no variance: such sites keep the source's statistics.
   */
  @Override
  public boolean adapts(NormalizationSite site) {
    return site.isSpatial();
  }

  @Override
  public List<StateKind> stateKinds() {
    return List.of(
        new StateKind("component_mean", components), new StateKind("component_var", components));
  }

  @Override
  public boolean needsCalibration() {
    return start == Start.CALIBRATED;
  }

  @Override
  public int calibrationComponents() {
    return needsCalibration() ? components : 0;
  }

  @Override
  public float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    if (needsCalibration()) {
      SiteComponents found = SiteComponents.require(calibration, components, this);
      return new float[][] {found.mean(), found.variance()};
    }
    int channels = site.channels();
    float[] mean = new float[components * channels];
    float[] variance = new float[components * channels];
    double own = components == 1 ? 1 : OWN_VARIANCE;
    double spread =
        components == 1 ? 0 : Math.sqrt((1 - OWN_VARIANCE) * components / (components - 1.0));
    RandomGenerator gaussian = random;
    for (int k = 0; k < components; k++) {
      for (int c = 0; c < channels; c++) {
        double z = gaussian.nextGaussian();
        mean[k * channels + c] =
            (float) (site.mean()[c] + spread * Math.sqrt(site.variance()[c]) * z);
        variance[k * channels + c] = (float) (own * site.variance()[c]);
      }
    }
    return new float[][] {mean, variance};
  }

  @Override
  public void rewrite(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String mean = graph.state(0); // M [K, C]
    String variance = graph.state(1); // V [K, C]
    SiteGraph.Moments instances = graph.instanceMoments();
    String instanceMean = instances.mean(); // m [B, C], centred
    String instanceVariance = instances.variance(); // v [B, C]

    String weights = ComponentAssignment.write(graph, mean, instanceMean, temperature); // P [B, K]
    graph.model().holdConstant(weights); // as in the reference, gradients do not choose components
    String centredMean = ops.sub(mean, graph.sourceMean());

    String rest = ops.sub(ops.constant(1f), weights); // 1 - P [B, K]
    String mixedMean = mixture(ops, rest, centredMean, instanceMean);
    String mixedVariance = mixture(ops, rest, variance, instanceVariance);
    String spread =
        ops.sub(
            meanSquare(ops, weights, rest, centredMean, instanceMean),
            ops.mul(mixedMean, mixedMean));
    String total = ops.max(ops.add(mixedVariance, spread), ops.constant(0f));
    graph.normalizeInstances(mixedMean, total);

    String rate = graph.sharedPerBatch("unmix-rate", () -> ratePerInstance(graph));
    String scaledWeights = ops.mul(weights, rate);
    String moved =
        ops.reshape(ops.reduceSum(scaledWeights, false, 0), components, 1); // lambda mean_b p_bk
    graph.setNextStates(
        moved(ops, mean, centredMean, moved, scaledWeights, instanceMean),
        moved(ops, variance, variance, moved, scaledWeights, instanceVariance));
  }

  /** {@code S + lambda (P^T s / B - colmean(P) * S)}, S in the bracket as the instances are. */
  private static String moved(
      OperatorWriter ops,
      String states,
      String comparable,
      String moved,
      String scaledWeights,
      String instances) {
    String kept = ops.sub(states, ops.mul(moved, comparable));
    return ops.transposedMatMulPlus(scaledWeights, instances, kept);
  }

  /**
   * {@code mean_k ((1 - p_bk) S_k + p_bk s_b) = ((1 - P) S + s) / K}, as {@code P} adds up to 1.
   */
  private String mixture(OperatorWriter ops, String rest, String states, String instances) {
    float share = 1f / components;
    return ops.matMulPlus(share, rest, states, share, instances);
  }

  /** {@code mean_k ((1 - p_bk) M_k + p_bk m_b)^2}, its square expanded. */
  private String meanSquare(
      OperatorWriter ops, String weights, String rest, String mean, String instanceMean) {
    // (sum_k p^2 m + 2 sum_k p (1 - p) M) m
    String squares = ops.mul(ops.reduceSumSquare(weights, true, 1), instanceMean);
    String linear = ops.matMulPlus(2, ops.mul(weights, rest), mean, 1, squares);
    float share = 1f / components;
    return ops.matMulPlus(
        share, ops.mul(rest, rest), ops.mul(mean, mean), share, ops.mul(linear, instanceMean));
  }

  /** {@code lambda / B} with {@code lambda = 1 - (1 - momentum)^(B / reference batch)}. */
  private String ratePerInstance(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String size = graph.batchSize();
    String exponent = ops.mul(size, ops.constant((float) (1 / referenceBatch)));
    String kept = ops.pow(ops.constant((float) (1 - momentum)), exponent);
    return ops.div(ops.sub(ops.constant(1f), kept), size);
  }
}
