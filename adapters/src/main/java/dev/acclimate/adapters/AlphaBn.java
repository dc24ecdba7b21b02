package dev.acclimate.adapters;

import java.util.Map;

/**
 * Calibrated batch statistics: {@code a * source + (1 - a) * batch} for mean and (biased) variance.
 * You, Li, Zhao 2021, "Test-time Batch Statistics Calibration for Covariate Shift", whose alpha is
 * the weight of the source.
 *
 * @param sourceWeight a, in [0, 1]: 1 is {@code source}, 0 is {@code tbn}
 */
record AlphaBn(double sourceWeight) implements StatelessMethod {
  static final String NAME = "alpha-bn";
  private static final double DEFAULT_SOURCE_WEIGHT = 0.9;

  static AlphaBn read(OptionReader options) {
    return new AlphaBn(options.number("source-weight", DEFAULT_SOURCE_WEIGHT, 0, false, 1));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    return Map.of("source-weight", Double.toString(sourceWeight));
  }

  @Override
  public void rewrite(SiteGraph graph) {
    SiteGraph.Moments batch = graph.batchMoments();
    double batchWeight = 1 - sourceWeight;
    // centred on the source mean, the source's part of the mean is zero
    String mean = graph.ops().mul(batch.mean(), graph.ops().constant((float) batchWeight));
    String variance =
        graph.blend(sourceWeight, graph.site().variance(), batchWeight, batch.variance());
    graph.normalizeBatch(mean, variance);
  }
}
