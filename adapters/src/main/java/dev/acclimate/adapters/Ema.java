package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * An exponential moving average of batch statistics, as BatchNormalization keeps while it trains:
 * {@code running <- (1 - m) * running + m * batch} (unbiased variance), then normalizes with the
 * running value.
 *
 * @param momentum m, in ]0, 1]
 */
record Ema(double momentum) implements Method {
  static final String NAME = "ema";
  private static final double DEFAULT_MOMENTUM = 0.1;

  static Ema read(OptionReader options) {
    return new Ema(options.number("momentum", DEFAULT_MOMENTUM, 0, true, 1));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    return Map.of("momentum", Double.toString(momentum));
  }

  @Override
  public boolean adapts(NormalizationSite site) {
    return true;
  }

  @Override
  public List<StateKind> stateKinds() {
    return List.of(new StateKind("running_mean", 0), new StateKind("running_var", 0));
  }

  @Override
  public float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    return new float[][] {site.mean(), site.variance()};
  }

  @Override
  public void rewrite(SiteGraph graph) {
    var ops = graph.ops();
    SiteGraph.Moments batch = graph.batchMoments();
    // n / (n - 1), and 1 where a lone value leaves nothing to correct
    String n = graph.valuesPerChannel();
    String one = ops.constant(1f);
    String unbiased = ops.div(n, ops.max(ops.sub(n, one), one));
    String batchVariance = ops.mul(batch.variance(), unbiased);
    float keep = (float) (1 - momentum);
    float take = (float) momentum;
    String running = ops.sub(graph.state(0), graph.sourceMean());
    String mean = graph.blend(keep, running, take, batch.mean());
    String variance = graph.blend(keep, graph.state(1), take, batchVariance);
    graph.setNextStates(ops.add(mean, graph.sourceMean()), variance);
    graph.normalizeBatch(mean, variance);
  }
}
