package dev.acclimate.simulate.training;

import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Stochastic gradient descent with Nesterov's momentum in Sutskever's form (2013), as PyTorch has
 * it. Weights decay; the vectors beside them (offsets, normalization) do not, since there decay
 * holds nothing back.
 */
final class NesterovSgd {
  private final float momentum;
  private final float weightDecay;
  private final Map<String, Tensor> parameters;
  private final Map<String, float[]> velocities = new LinkedHashMap<>();

  /**
   * @param parameters updated in place
   */
  NesterovSgd(Map<String, Tensor> parameters, double momentum, double weightDecay) {
    this.parameters = parameters;
    this.momentum = (float) momentum;
    this.weightDecay = (float) weightDecay;
    parameters.forEach(
        (name, tensor) -> velocities.put(name, new float[Math.toIntExact(tensor.elements())]));
  }

  /**
   * Takes a step.
   *
   * @param gradients by parameter
   */
  void step(Map<String, Tensor> gradients, double learningRate) {
    float rate = (float) learningRate;
    velocities.forEach(
        (name, velocity) -> {
          Tensor parameter = Objects.requireNonNull(parameters.get(name));
          FloatBuffer values = parameter.floats();
          FloatBuffer slopes = Objects.requireNonNull(gradients.get(name)).floats();
          float decay = parameter.rank() > 1 ? weightDecay : 0;
          for (int i = 0; i < velocity.length; i++) {
            float value = values.get(i);
            float slope = slopes.get(i) + decay * value;
            velocity[i] = momentum * velocity[i] + slope;
            values.put(i, value - rate * (slope + momentum * velocity[i]));
          }
        });
  }
}
