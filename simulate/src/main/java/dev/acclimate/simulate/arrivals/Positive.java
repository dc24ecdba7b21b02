package dev.acclimate.simulate.arrivals;

import dev.acclimate.models.InvalidInputException;

/** Numbers that must be above 0. */
final class Positive {
  private Positive() {}

  /**
   * Gives {@code value} back.
   *
   * @throws InvalidInputException if it is not above 0 and finite
   */
  static double require(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new InvalidInputException(name + ": expected a number above 0, found " + value);
    }
    return value;
  }
}
