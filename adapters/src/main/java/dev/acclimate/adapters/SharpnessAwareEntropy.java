package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * SAR: entropy of reliable samples (below {@code margin * ln K}) at the sharpest point nearby, and
 * a return to the start when the model has collapsed. Niu et al., ICLR 2023, "Towards Stable
 * Test-Time Adaptation in Dynamic Wild World". A first gradient leads {@code rho} uphill; there
 * samples are chosen again among those chosen before, and the gradient found there makes the step.
 * Where the moving average of that second loss falls below a bound, parameters and optimizer start
 * anew; so does the average, which the reference implementation means to forget but keeps.
 *
 * @param margin in units of {@code ln K}
 * @param rho length of the way uphill
 * @param resetBelow the bound, in nats
 */
record SharpnessAwareEntropy(double margin, double rho, double resetBelow) implements Objective {
  /** The moving average of the loss, 0 before there is any. */
  static final String AVERAGE = "loss_average";

  /** The samples that may be chosen: all, until a second pass puts the first one's choice here. */
  static final String CANDIDATES = "acclimate/loss/candidates";

  private static final float NEWEST = 0.1f;

  static SharpnessAwareEntropy read(OptionReader options) {
    return new SharpnessAwareEntropy(
        options.number("margin", 0.4, 0, true, 1),
        options.number("rho", 0.05, 0, true, Double.MAX_VALUE),
        options.number("reset-below", 0.2, 0, false, Double.MAX_VALUE));
  }

  @Override
  public Map<String, String> options() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("margin", Double.toString(margin));
    options.put("rho", Double.toString(rho));
    options.put("reset-below", Double.toString(resetBelow));
    return options;
  }

  @Override
  public List<SharedState> states(int classes) {
    return List.of(new SharedState(AVERAGE, Tensor.of(new float[1], 1)));
  }

  @Override
  public Loss write(OperatorWriter ops, Logits logits, Map<String, String> states) {
    String entropy = logits.predictions(ops).entropy();
    ops.alias(CANDIDATES, ops.constant(new float[] {1}, 1));
    String largest = ops.constant((float) (margin * logits.largestEntropy()));
    String chosen = ops.mul(ops.castToFloat(ops.node("Less", entropy, largest)), CANDIDATES);
    String count = ops.reduceSum(chosen, false, 0);
    String loss =
        ops.div(
            ops.reduceSum(ops.mul(chosen, entropy), false, 0), ops.max(count, ops.constant(1f)));
    String any = ops.node("Greater", count, ops.constant(0f));
    String average = Objects.requireNonNull(states.get(AVERAGE));
    String isFirst = ops.node("Equal", average, ops.constant(0f));
    String share = ops.node("Where", isFirst, ops.constant(1f), ops.constant(NEWEST));
    String moved = ops.add(average, ops.mul(share, ops.sub(loss, average)));
    return new Loss(
        loss, any, chosen, Set.of(), Map.of(AVERAGE, ops.node("Where", any, moved, average)));
  }
}
