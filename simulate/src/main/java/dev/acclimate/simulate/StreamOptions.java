package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;

/**
 * How a simulated stream is laid out.
 *
 * @param schedule how domains follow one another
 * @param severity of the domains, 1 to 5; the highest that a gradual stream reaches
 * @param order of the samples within a domain
 * @param seed of everything random
 * @param rounds how often a recurring stream passes through the domains; others do once
 */
public record StreamOptions(
    DomainSchedule schedule, int severity, SampleOrder order, long seed, int rounds) {

  public static final int DEFAULT_ROUNDS = 3;

  /** A stream is laid out in memory; a million rounds are a typing error. */
  private static final int MAX_ROUNDS = 1000;

  /**
   * Checks the values.
   *
   * @throws InvalidInputException if there are not 1 to 1,000 rounds, or the severity is not 1 to 5
   */
  public StreamOptions {
    if (rounds < 1 || rounds > MAX_ROUNDS) {
      throw new InvalidInputException("rounds: expected 1 to " + MAX_ROUNDS + ", found " + rounds);
    }
    if (severity < 1 || severity > Shift.MAX_SEVERITY) {
      throw new InvalidInputException("severity: expected 1 to 5, found " + severity);
    }
  }

  /** Likewise with the default rounds and the defaults of the order. */
  public StreamOptions(DomainSchedule schedule, int severity, Order order, long seed) {
    this(schedule, severity, SampleOrder.of(order), seed, DEFAULT_ROUNDS);
  }

  /** Passes through the domains. */
  int passes() {
    return schedule == DomainSchedule.RECURRING ? rounds : 1;
  }
}
