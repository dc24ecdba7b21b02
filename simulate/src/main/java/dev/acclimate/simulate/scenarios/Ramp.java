package dev.acclimate.simulate.scenarios;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Shift;

/**
 * A severity over a segment: a straight line.
 *
 * @param from at its start, 0 to 5
 * @param to at its end, 0 to 5
 */
public record Ramp(double from, double to) {
  /** What {@link #parse} reads, for messages. */
  static final String KNOWN = "numbers from 0 to 5 or ramps such as 0..5";

  /**
   * Checks the ends.
   *
   * @throws InvalidInputException if one is not 0 to 5
   */
  public Ramp {
    requireSeverity(from);
    requireSeverity(to);
  }

  private static void requireSeverity(double severity) {
    if (!(severity >= 0 && severity <= Shift.MAX_SEVERITY)) {
      throw new InvalidInputException("severity: expected " + KNOWN + ", found " + severity);
    }
  }

  /**
   * Reads a number, or two with {@code ..} between them.
   *
   * @throws InvalidInputException if one is not 0 to 5
   * @throws NumberFormatException if one is no number
   */
  static Ramp parse(String text) {
    int dots = text.indexOf("..");
    return dots < 0
        ? new Ramp(Double.parseDouble(text), Double.parseDouble(text))
        : new Ramp(
            Double.parseDouble(text.substring(0, dots)),
            Double.parseDouble(text.substring(dots + 2)));
  }

  /** The severity at a part, 0 to 1, of the way. */
  public double at(double part) {
    // exact at both ends
    return part == 1 ? to : from + part * (to - from);
  }

  /** How far it goes. */
  public double height() {
    return Math.abs(to - from);
  }
}
