package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Test-time batch normalization: statistics of the present batch alone. Nado et al. 2020,
 * "Evaluating Prediction-Time Batch Normalization for Robustness under Covariate Shift".
 */
record TestTimeBn() implements Method {
  static final String NAME = "tbn";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public boolean adapts(NormalizationSite site) {
    return true;
  }

  @Override
  public List<StateKind> stateKinds() {
    return List.of();
  }

  @Override
  public float[][] initialState(
      NormalizationSite site, SplittableRandom random, @Nullable SiteComponents calibration) {
    return new float[0][];
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
