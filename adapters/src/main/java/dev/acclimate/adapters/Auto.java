package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OperatorWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A shift of the whole domain, told apart from which classes happen to come: ours, without labels.
 *
 * <p>Source samples, clustered at each site ({@link Calibration}), tell what statistics to expect
 * of a sample of either kind: component means {@code M [K, C]} and variances {@code V [K, C]}, both
 * of which stay as they are. A site keeps how far its domain has moved, {@code s [C]}, and the
 * logarithm of how much wider it has become, {@code r [C]}; it normalizes with mean {@code mu_s +
 * s} and variance {@code var_s exp(r)}, so it is the untouched model as long as both are 0. For a
 * batch of instances with statistics {@code m, v [B, C]}:
 *
 * <pre>
 * P      = softmax_k(cos(m - s, M_k) / temperature)             [B, K]
 * e      = m - s - P M                                          what no class explains, [B, C]
 * rate   : s += rate mean_b e
 *          r += rate (log(mean_b(v + e^2) / mean_b(P V)) - r)
 * </pre>
 *
 * <p>A burst of one class changes P and leaves e alone; a change of the domain shows in e of all
 * classes together, so that one shift learns from every sample. The rate is small, {@code 1 - (1 -
 * momentum)^(B / 64)}, unless the evidence is strong: with {@code t} the mean of e over about the
 * last 64 instances, {@code q} a running mean of {@code e^2}, and both measured in source variances
 * and averaged over channels, it rises to {@code (1 - caution (q / n) / t^2) / 2} of a step, n
 * being the instances in t. Under no change {@code t^2} is about {@code q / n}.
 *
 * @param components K
 * @param momentum of the steady rate, for 64 instances
 * @param caution how many times the noise the evidence must exceed
 * @param temperature of the softmax over similarities
 */
record Auto(int components, double momentum, double caution, double temperature) implements Method {
  static final String NAME = "auto";
  private static final int DEFAULT_COMPONENTS = 16;
  private static final double DEFAULT_MOMENTUM = 0.02;
  private static final double DEFAULT_CAUTION = 40;
  private static final double DEFAULT_TEMPERATURE = 0.07;

  /** Below it, similarities divided by the temperature leave the range of float32's softmax. */
  private static final double LEAST_TEMPERATURE = 1e-6;

  /** Instances that the steady rate is stated for, and that evidence is gathered over. */
  private static final float WINDOW = 64;

  /** The part of the evidence that a strong one moves the shift by at once. */
  private static final float FASTEST = 0.5f;

  private static final float LEAST = 1e-12f;

  private static final int SHIFT = 2;
  private static final int WIDENING = 3;
  private static final int TREND = 4;
  private static final int NOISE = 5;

  static Auto read(OptionReader options) {
    return new Auto(
        options.integer("components", DEFAULT_COMPONENTS, 2, 4096),
        options.number("momentum", DEFAULT_MOMENTUM, 0, true, 1),
        options.number("caution", DEFAULT_CAUTION, 1, false, Double.MAX_VALUE),
        options.number(
            "temperature", DEFAULT_TEMPERATURE, LEAST_TEMPERATURE, false, Double.MAX_VALUE));
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
    options.put("caution", Double.toString(caution));
    options.put("temperature", Double.toString(temperature));
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
        new StateKind("component_mean", components),
        new StateKind("component_var", components),
        new StateKind("shift", 0),
        new StateKind("log_widening", 0),
        new StateKind("trend", 0),
        new StateKind("noise", 0));
  }

  @Override
  public boolean needsCalibration() {
    return true;
  }

  @Override
  public int calibrationComponents() {
    return components;
  }

  @Override
  public float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    SiteComponents start = SiteComponents.require(calibration, components, this);
    int channels = site.channels();
    return new float[][] {
      start.mean(),
      start.variance(),
      new float[channels],
      new float[channels],
      new float[channels],
      varianceOfMeans(start, channels)
    };
  }

  /** How far components lie apart: a first guess at how far instances lie from their component. */
  private static float[] varianceOfMeans(SiteComponents calibration, int channels) {
    int components = calibration.components();
    float[] variance = new float[channels];
    for (int c = 0; c < channels; c++) {
      double mean = 0;
      for (int k = 0; k < components; k++) {
        mean += calibration.mean()[k * channels + c] / (double) components;
      }
      double sum = 0;
      for (int k = 0; k < components; k++) {
        double difference = calibration.mean()[k * channels + c] - mean;
        sum += difference * difference;
      }
      variance[c] = (float) (sum / components);
    }
    return variance;
  }

  @Override
  public void rewrite(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String componentMean = graph.state(0);
    String componentVariance = graph.state(1);
    String shift = graph.state(SHIFT);
    SiteGraph.Moments instances = graph.instanceMoments();

    String unshifted = ops.sub(instances.mean(), shift); // m - s, centred, [B, C]
    String weights = ComponentAssignment.write(graph, componentMean, unshifted, temperature);
    String expected = ops.matMul(weights, ops.sub(componentMean, graph.sourceMean()));
    String residual = ops.sub(unshifted, expected); // e [B, C]
    String batchResidual = graph.meanOfRows(residual);

    String blend = graph.sharedPerBatch("auto-blend", () -> blend(graph));
    String trend =
        ops.add(graph.state(TREND), ops.mul(blend, ops.sub(batchResidual, graph.state(TREND))));
    String steady = graph.sharedPerBatch("auto-steady", () -> steadyRate(graph));
    String rate = ops.max(steady, ops.mul(blend, evidence(graph, trend)));

    String step = ops.mul(rate, batchResidual);
    String nextShift = ops.add(shift, step);
    String left = ops.sub(residual, step);
    String noise = graph.meanOfRows(ops.mul(left, left));
    String nextNoise =
        ops.add(graph.state(NOISE), ops.mul(steady, ops.sub(noise, graph.state(NOISE))));
    String widening = graph.state(WIDENING);
    String batchWidening = widening(graph, instances, residual, weights, componentVariance);
    String nextWidening = ops.add(widening, ops.mul(rate, ops.sub(batchWidening, widening)));

    graph.setNextStates(
        ops.identity(componentMean),
        ops.identity(componentVariance),
        nextShift,
        nextWidening,
        ops.sub(trend, step),
        nextNoise);
    graph.normalizeBatch(nextShift, ops.mul(graph.sourceVariance(), ops.node("Exp", nextWidening)));
  }

  /** {@code log(mean_b(v + e^2) / mean_b(P V))}; channels that are always 0 stay at 0. */
  private static String widening(
      SiteGraph graph,
      SiteGraph.Moments instances,
      String residual,
      String weights,
      String componentVariance) {
    OperatorWriter ops = graph.ops();
    String epsilon = ops.constant(Math.max(graph.site().epsilon(), LEAST));
    String found = graph.meanOfRows(ops.add(instances.variance(), ops.mul(residual, residual)));
    String expected = graph.meanOfRows(ops.matMul(weights, componentVariance));
    return ops.node("Log", ops.div(ops.add(found, epsilon), ops.add(expected, epsilon)));
  }

  /** {@code max(0, 1 - caution (q / n) / t^2) / 2}, over all channels of the site. */
  private String evidence(SiteGraph graph, String trend) {
    OperatorWriter ops = graph.ops();
    String precision = graph.vector(precision(graph.site()));
    String found = ops.reduceSum(ops.mul(ops.mul(trend, trend), precision), true, 0);
    String noise = ops.reduceSum(ops.mul(graph.state(NOISE), precision), true, 0);
    String threshold =
        ops.mul(noise, graph.sharedPerBatch("auto-threshold/" + caution, () -> threshold(graph)));
    String ratio = ops.div(threshold, ops.max(found, ops.constant(LEAST)));
    String clear = ops.max(ops.sub(ops.constant(1f), ratio), ops.constant(0f));
    return ops.mul(clear, ops.constant(FASTEST));
  }

  private static float[] precision(NormalizationSite site) {
    float[] precision = new float[site.channels()];
    for (int c = 0; c < precision.length; c++) {
      precision[c] = 1 / (site.variance()[c] + site.epsilon()) / precision.length;
    }
    return precision;
  }

  /** How much of the trend a batch replaces: {@code min(1, B / 64)}. */
  private static String blend(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String part = ops.mul(graph.batchSize(), ops.constant(1 / WINDOW));
    return ops.node("Min", part, ops.constant(1f));
  }

  /** {@code caution / n}, n the instances in a moving average of batches: {@code B (2 / w - 1)}. */
  private String threshold(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String batches = ops.sub(ops.div(ops.constant(2f), blend(graph)), ops.constant(1f));
    return ops.div(ops.constant((float) caution), ops.mul(graph.batchSize(), batches));
  }

  /** {@code 1 - (1 - momentum)^(B / 64)}. */
  private String steadyRate(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String exponent = ops.mul(graph.batchSize(), ops.constant(1 / WINDOW));
    String kept = ops.pow(ops.constant((float) (1 - momentum)), exponent);
    return ops.sub(ops.constant(1f), kept);
  }
}
