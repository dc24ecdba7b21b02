package dev.acclimate.simulate.scenarios;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Shift;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A severity over a segment: a straight line.
 *
 * @param from at its start, 0 to 5
 * @param to at its end, 0 to 5
 */
public record Ramp(double from, double to) {
  /** What {@link #parse} reads, for messages. */
  static final String KNOWN = "numbers from 0 to 5 or ramps such as 0..5";

  /** No number begins or ends with a point: 1...3 is a slip, not a ramp to 0.3. */
  private static final Pattern FORM =
      Pattern.compile("(\\d+(?:\\.\\d+)?)(?:\\.\\.(\\d+(?:\\.\\d+)?))?");

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
   * @throws InvalidInputException if it has not this form, or one is not 0 to 5
   */
  static Ramp parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new InvalidInputException("severity: expected " + KNOWN + ", found " + text);
    }
    double from = Double.parseDouble(matcher.group(1));
    return new Ramp(from, matcher.group(2) == null ? from : Double.parseDouble(matcher.group(2)));
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
