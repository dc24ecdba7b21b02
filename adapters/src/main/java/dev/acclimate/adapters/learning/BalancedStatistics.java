package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.OptionReader;

/**
 * AdaB2N while training: Lyu, Wang et al., NeurIPS 2023, section 4. Batches are normalized with
 * statistics in which every task seen so far has its share, see {@link BalancedSites}.
 *
 * @param kappa in [0, 1], of the running statistics' momentum: 1 for a moving average, 0 for the
 *     mean of all batches
 * @param momentum of the moving average
 * @param lambda weight of the regularizer that draws the batch's statistics to the running ones
 * @param slots how many tasks are told apart; ids beyond share the last one
 */
public record BalancedStatistics(double kappa, double momentum, double lambda, int slots) {

  static BalancedStatistics read(OptionReader options) {
    return new BalancedStatistics(
        options.number("kappa", 0.5, 0, false, 1),
        options.number("momentum", 0.1, 0, true, 1),
        options.number("lambda", 0.1, 0, false, Double.MAX_VALUE),
        options.integer("slots", 16, 1, 4096));
  }
}
