package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OperatorWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

record Auto(
    int components,
    double momentum,
    double referenceBatch,
    double temperature,
    double caution,
    double cap,
    double window)
    implements Method {
  static final String NAME = "auto";
  private static final float LEAST_NORM = 1e-12f;

  static Auto read(OptionReader options) {
    return new Auto(
        options.integer("components", 10, 1, 4096),
        options.number("momentum", 0.2, 0, true, 1),
        options.number("reference-batch", 64, 0, true, Double.MAX_VALUE),
        options.number("temperature", 0.07, 1e-6, false, Double.MAX_VALUE),
        options.number("caution", 0, 0, false, 1e6),
        options.number("cap", 0.5, 0, false, 1),
        options.number("window", 64, 1, false, 1e6));
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
    options.put("caution", Double.toString(caution));
    options.put("cap", Double.toString(cap));
    options.put("window", Double.toString(window));
    return options;
  }

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
        new StateKind("ratio", 0),
        new StateKind("trend", 0),
        new StateKind("spread", 0));
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
    if (calibration == null || calibration.components() != components) {
      throw new InvalidInputException(canonical() + ": expected a calibration");
    }
    int channels = site.channels();
    float[] spread = new float[channels];
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      double square = 0;
      for (int k = 0; k < components; k++) {
        double m = calibration.mean()[k * channels + c] - site.mean()[c];
        sum += m;
        square += m * m;
      }
      spread[c] = (float) Math.max(0, square / components - sum * sum / components / components);
    }
    return new float[][] {
      calibration.mean(),
      calibration.variance(),
      new float[channels],
      new float[channels],
      new float[channels],
      spread
    };
  }

  @Override
  public void rewrite(SiteGraph graph) {
    OperatorWriter ops = graph.ops();
    String componentMean = graph.state(0);
    String componentVariance = graph.state(1);
    String shift = graph.state(2);
    String ratio = graph.state(3);
    SiteGraph.Moments instances = graph.instanceMoments();
    String centredMean = ops.sub(componentMean, graph.sourceMean()); // [K, C]
    String unshifted = ops.sub(instances.mean(), shift); // [B, C], centred
    String raw = ops.add(unshifted, graph.sourceMean());
    String floor = ops.constant(LEAST_NORM);
    String weights =
        ops.softmaxOfRows(
            ops.matMulTransposed(
                (float) (1 / temperature),
                ops.div(raw, ops.max(ops.reduceL2(raw, true, 1), floor)),
                ops.div(componentMean, ops.max(ops.reduceL2(componentMean, true, 1), floor))));
    String expected = ops.matMul(weights, centredMean); // [B, C]
    String residual = ops.sub(unshifted, expected);
    String measured = graph.meanOfRows(ops.add(instances.variance(), ops.mul(residual, residual)));
    String predicted = graph.meanOfRows(ops.matMul(weights, componentVariance));
    String batchRatio = ops.div(measured, ops.max(predicted, ops.constant(1e-12f)));
    String steady = graph.sharedPerBatch("auto-rate", () -> rate(graph, momentum));
    String batchShift = graph.meanOfRows(residual); // [C]
    String precision = precision(graph);
    String one = ops.constant(1f);
    String blend =
        graph.sharedPerBatch(
            "auto-trend",
            () ->
                ops.emit(
                    "Min",
                    List.of(
                        ops.constant(1f),
                        ops.mul(graph.batchSize(), ops.constant((float) (1 / window))))));
    String seen =
        graph.sharedPerBatch(
            "auto-seen",
            () ->
                ops.mul(
                    graph.batchSize(),
                    ops.sub(ops.div(ops.constant(2f), blend), ops.constant(1f))));
    String trend = graph.state(4);
    String spread = graph.state(5);
    String trending = ops.add(trend, ops.mul(blend, ops.sub(batchShift, trend)));
    String surprise = ops.reduceSum(ops.mul(ops.mul(trending, trending), precision), true, 0);
    String doubt = ops.div(ops.reduceSum(ops.mul(spread, precision), true, 0), seen);
    String gain =
        ops.max(
            ops.sub(
                one,
                ops.div(
                    ops.mul(doubt, ops.constant((float) caution)),
                    ops.max(surprise, ops.constant(1e-12f)))),
            ops.constant(0f));
    String fast = ops.mul(ops.mul(gain, ops.constant((float) cap)), blend);
    String rate = caution == 0 ? steady : ops.max(steady, fast);
    String moved = ops.mul(rate, batchShift);
    String left = ops.sub(residual, moved);
    String nextSpread =
        ops.add(spread, ops.mul(steady, ops.sub(graph.meanOfRows(ops.mul(left, left)), spread)));
    String nextShift = ops.add(shift, moved);
    String logBatch = ops.emit("Log", List.of(ops.max(batchRatio, ops.constant(1e-6f))));
    String nextRatio = ops.add(ratio, ops.mul(rate, ops.sub(logBatch, ratio)));
    String variance = ops.mul(graph.sourceVariance(), ops.emit("Exp", List.of(nextRatio)));
    graph.setNextStates(
        ops.add(componentMean, ops.constant(0f)),
        ops.add(componentVariance, ops.constant(0f)),
        nextShift,
        nextRatio,
        ops.sub(trending, moved),
        nextSpread);
    graph.normalizeBatch(nextShift, variance);
  }

  private String precision(SiteGraph graph) {
    float[] v = graph.site().variance();
    float[] p = new float[v.length];
    for (int c = 0; c < p.length; c++) {
      p[c] = 1 / (v[c] + graph.site().epsilon()) / v.length;
    }
    return graph.vector(p);
  }

  private String rate(SiteGraph graph, double momentum) {
    OperatorWriter ops = graph.ops();
    String exponent = ops.mul(graph.batchSize(), ops.constant((float) (1 / referenceBatch)));
    String kept = ops.pow(ops.constant((float) (1 - momentum)), exponent);
    return ops.sub(ops.constant(1f), kept);
  }
}
