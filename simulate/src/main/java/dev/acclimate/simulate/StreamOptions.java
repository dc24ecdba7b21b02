package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.orders.Order;
import java.util.List;

/**
 * What a simulated stream is made of.
 *
 * @param shifts one a domain, in order
 * @param schedule how domains follow one another
 * @param order of the samples within a domain
 * @param delta concentration of the Dirichlet order, above 0; small means long bursts of a class
 * @param seed of everything random
 * @param rounds how often a recurring stream passes through the domains; others do once
 */
public record StreamOptions(
    List<Shift> shifts, DomainSchedule schedule, Order order, double delta, long seed, int rounds) {

  public static final int DEFAULT_ROUNDS = 3;

  /**
   * Checks the rounds.
   *
   * @throws InvalidInputException if there is not at least one
   */
  public StreamOptions {
    shifts = List.copyOf(shifts);
    if (rounds < 1) {
      throw new InvalidInputException("rounds: expected at least 1, found " + rounds);
    }
  }

  /** Likewise with the default rounds. */
  public StreamOptions(
      List<Shift> shifts, DomainSchedule schedule, Order order, double delta, long seed) {
    this(shifts, schedule, order, delta, seed, DEFAULT_ROUNDS);
  }

  /** Passes through the domains. */
  int passes() {
    return schedule == DomainSchedule.RECURRING ? rounds : 1;
  }

  /** Every corruption at one severity, each by itself, in Dirichlet(0.1) order. */
  public static StreamOptions of(List<Corruption> corruptions, int severity, long seed) {
    return new StreamOptions(
        Shift.all(corruptions, severity),
        DomainSchedule.SINGLE,
        Order.DIRICHLET,
        Order.DEFAULT_DELTA,
        seed);
  }
}
