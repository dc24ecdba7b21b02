package dev.acclimate.adapters;

import java.util.Map;

/**
 * Test-time batch normalization: statistics of the present batch alone. Nado et al. 2020,
 * "Evaluating Prediction-Time Batch Normalization for Robustness under Covariate Shift".
 */
record TestTimeBn() implements StatelessMethod {
  static final String NAME = "tbn";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    return Map.of();
  }

  @Override
  public void rewrite(SiteGraph graph) {
    SiteGraph.Moments batch = graph.batchMoments();
    graph.normalizeBatch(batch.mean(), batch.variance());
  }
}
