package dev.acclimate.adapters.guard;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;

/**
 * Sees when samples come from another domain than those before, by mean and deviation of each.
 * Bursts of a class move these less than other light, fog or noise does; what changes slowly is
 * followed.
 */
final class DomainWatch {
  private static final double SLACK = 0.75;
  private static final double LIMIT = 16;
  private static final double LEAST_SPREAD = 1e-3;

  private final ChangeDetector means = new ChangeDetector(SLACK, LIMIT, LEAST_SPREAD);
  private final ChangeDetector deviations = new ChangeDetector(SLACK, LIMIT, LEAST_SPREAD);
  private double[] mean = new double[0];
  private double[] deviation = new double[0];

  /** Takes a batch {@code [B, ...]} in; true where it is of another domain, which it begins. */
  boolean isLeftBy(Tensor samples) {
    if (samples.type() != ElementType.FP32 || samples.rank() < 2 || samples.size(0) == 0) {
      return false;
    }
    measure(samples.floats(), (int) samples.size(0));
    boolean left = change();
    if (left) {
      clear();
    }
    for (int i = 0; i < mean.length; i++) {
      means.learn(mean[i]);
      deviations.learn(deviation[i]);
    }
    return left;
  }

  private boolean change() {
    if (means.isNew()) {
      return false;
    }
    for (int i = 0; i < mean.length; i++) {
      means.add(mean[i]);
      deviations.add(deviation[i]);
    }
    return means.isAlarmed() || deviations.isAlarmed();
  }

  private void measure(FloatBuffer values, int count) {
    int size = values.limit() / count;
    mean = new double[count];
    deviation = new double[count];
    for (int i = 0; i < count; i++) {
      double sum = 0;
      double squares = 0;
      for (int at = i * size; at < (i + 1) * size; at++) {
        float value = values.get(at);
        sum += value;
        squares += value * value;
      }
      mean[i] = sum / size;
      deviation[i] = Math.sqrt(Math.max(0, squares / size - mean[i] * mean[i]));
    }
  }

  void clear() {
    means.clear();
    deviations.clear();
  }
}
