package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Core: how far classes are predicted together. You, Li, Zhao 2021, "Test-time Batch Statistics
 * Calibration for Covariate Shift". With {@code P = softmax(logits / T)} the correlation {@code R =
 * P^T P}, its rows divided by their sums, has off-diagonal entries that vanish where each
 * prediction is certain; the loss is their sum over K. The online form keeps {@code R <- rho R + (1
 * - rho) P^T P}, so that small batches see earlier ones; gradients come from the present one alone.
 *
 * @param temperature T
 * @param rho weight of the past, 0 for none
 */
record ClassCorrelation(double temperature, double rho) implements Objective {
  private static final String CORRELATION = "correlation";
  private static final float LEAST = 1e-12f;

  static ClassCorrelation read(OptionReader options) {
    return new ClassCorrelation(
        options.number("temperature", 1, 0, true, Double.MAX_VALUE),
        options.number("rho", 0.9, 0, false, 0.9999));
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("temperature", Double.toString(temperature));
    options.put("rho", Double.toString(rho));
    return options;
  }

  @Override
  public List<SharedState> states(int classes) {
    return rho == 0
        ? List.of()
        : List.of(
            new SharedState(
                CORRELATION, Tensor.of(new float[classes * classes], classes, classes)));
  }

  @Override
  public Loss write(OperatorWriter ops, Logits logits, Map<String, String> states) {
    String scores =
        temperature == 1
            ? logits.tensor()
            : ops.mul(logits.tensor(), ops.constant((float) (1 / temperature)));
    String probabilities = ops.softmaxOfRows(scores);
    String correlation = ops.matMul(ops.transpose(probabilities, 1, 0), probabilities);
    Map<String, String> next = Map.of();
    if (rho > 0) {
      String past =
          ops.mul(Objects.requireNonNull(states.get(CORRELATION)), ops.constant((float) rho));
      correlation = ops.add(past, ops.mul(correlation, ops.constant((float) (1 - rho))));
      next = Map.of(CORRELATION, correlation);
    }
    String sums = ops.max(ops.reduceSum(correlation, true, 1), ops.constant(LEAST));
    String others = ops.mul(ops.div(correlation, sums), offDiagonal(ops, logits.classes()));
    String loss = ops.mul(ops.reduceSum(others, false, 0, 1), ops.constant(1f / logits.classes()));
    return Objective.ofAll(loss, next);
  }

  private static String offDiagonal(OperatorWriter ops, int classes) {
    float[] mask = new float[classes * classes];
    Arrays.fill(mask, 1);
    for (int k = 0; k < classes; k++) {
      mask[k * classes + k] = 0;
    }
    return ops.constant(mask, classes, classes);
  }
}
