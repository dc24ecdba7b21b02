package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** No adaptation: the model as it came, against which every other method is measured. */
record Source() implements Method {
  static final String NAME = "source";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> options() {
    return Map.of();
  }

  @Override
  public boolean adapts(NormalizationSite site) {
    return false;
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
  public void rewrite(SiteGraph graph) {
    throw new IllegalStateException("source rewrites no site");
  }
}
