package dev.acclimate.simulate;

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
 */
public record StreamOptions(
    List<Shift> shifts, DomainSchedule schedule, Order order, double delta, long seed) {

  public StreamOptions {
    shifts = List.copyOf(shifts);
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
