package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;

/**
 * The weight of the newest batch in running statistics: {@code eta_1 = m^kappa} and {@code eta_t =
 * eta_(t-1) / (eta_(t-1) + (1-m)^kappa)}. Lyu, Wang et al., NeurIPS 2023 (AdaB2N), section 4.2.
 */
public final class AdaptiveMomentum {
  private AdaptiveMomentum() {}

  /**
   * Writes the next weight.
   *
   * @param last the weight before, {@code [1]}; 0 before the first batch, which kappa 0 could not
   *     say with a weight of its own
   * @param momentum m
   */
  public static String next(OperatorWriter ops, String last, double kappa, double momentum) {
    String kept = ops.constant((float) Math.pow(1 - momentum, kappa));
    String first = ops.constant((float) Math.pow(momentum, kappa));
    String later = ops.div(last, ops.add(last, kept));
    return ops.node("Where", ops.node("Greater", last, ops.constant(0f)), later, first);
  }
}
