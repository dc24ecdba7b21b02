package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import java.util.Map;

/**
 * Mean entropy of the predictions. Wang et al., ICLR 2021, "Tent: Fully Test-Time Adaptation by
 * Entropy Minimization".
 */
record Entropy() implements Objective {

  @Override
  public Map<String, String> options() {
    return Map.of();
  }

  @Override
  public Loss write(OperatorWriter ops, Logits logits, Map<String, String> states) {
    return Objective.ofAll(ops.reduceMean(logits.predictions(ops).entropy(), false, 0), Map.of());
  }
}
