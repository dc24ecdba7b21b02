package dev.acclimate.adapters.learning;

import dev.acclimate.models.gradients.Adam;
import dev.acclimate.models.gradients.Optimizer;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;

/**
 * How a model learns from labels.
 *
 * @param method what becomes of its normalizations and weights
 * @param optimizer turns gradients into steps; its weight decay acts on weights alone, not on the
 *     vectors beside them (offsets, scales of normalizations)
 * @param rate how large the steps are
 * @param parameters what learns
 * @param labelSmoothing share of the target that goes to all classes
 */
public record LearningSettings(
    LearningMethod method,
    Optimizer optimizer,
    LearningRate rate,
    ParameterSet parameters,
    double labelSmoothing) {

  /** The optimizer of what does not decay. */
  Optimizer withoutDecay() {
    if (optimizer instanceof Adam adam) {
      return new Adam(adam.beta1(), adam.beta2(), adam.epsilon(), 0);
    }
    Sgd sgd = (Sgd) optimizer;
    return new Sgd(sgd.momentum(), sgd.nesterov(), 0);
  }
}
