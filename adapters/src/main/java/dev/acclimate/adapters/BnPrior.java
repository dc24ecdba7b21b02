package dev.acclimate.adapters;

import java.util.Map;

/**
 * The source as a prior worth so many samples: {@code (N * source + n * batch) / (N + n)} with n
 * the batch size. Schneider et al. 2020, "Improving robustness against common corruptions by
 * covariate shift adaptation".
 *
 * @param priorSamples N
 */
record BnPrior(double priorSamples) implements StatelessMethod {
  static final String NAME = "bn-prior";
  private static final double DEFAULT_PRIOR_SAMPLES = 16;

  static BnPrior read(OptionReader options) {
    return new BnPrior(
        options.number("prior-samples", DEFAULT_PRIOR_SAMPLES, 0, false, Double.MAX_VALUE));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    return Map.of("prior-samples", Double.toString(priorSamples));
  }

  @Override
  public void rewrite(SiteGraph graph) {
    var ops = graph.ops();
    String batchWeight =
        graph.sharedPerBatch(
            "batch-weight",
            () -> {
              String n = graph.batchSize();
              return ops.div(n, ops.add(n, ops.constant((float) priorSamples)));
            });
    SiteGraph.Moments batch = graph.batchMoments();
    String source = graph.sourceVariance();
    String variance = ops.add(source, ops.mul(ops.sub(batch.variance(), source), batchWeight));
    graph.normalizeBatch(ops.mul(batch.mean(), batchWeight), variance);
  }
}
