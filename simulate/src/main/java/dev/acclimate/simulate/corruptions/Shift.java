package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import java.util.List;

/**
 * A corruption at a severity: what sets one domain apart from another.
 *
 * <p>Severities were published as whole numbers. Between two of them lies the mixture of their
 * images, pixel by pixel; between 0 and 1 that of the untouched image and of severity 1. So a
 * severity can rise without a step.
 *
 * @param corruption its kind
 * @param severity 0 (untouched), 1 (mild) to 5; without effect for {@link Corruption#NONE}
 */
public record Shift(Corruption corruption, double severity) {

  public static final int MAX_SEVERITY = 5;

  /** No corruption. */
  public static final Shift NONE = new Shift(Corruption.NONE, 1);

  /**
   * Checks the severity.
   *
   * @throws InvalidInputException if the severity is not 0 to 5
   */
  public Shift {
    if (!(severity >= 0 && severity <= MAX_SEVERITY)) {
      throw new InvalidInputException("severity: expected 0 to 5, found " + number(severity));
    }
  }

  /**
   * Every one of {@code corruptions} at one severity.
   *
   * @throws InvalidInputException if the severity is not 1 to 5
   */
  public static List<Shift> all(List<Corruption> corruptions, int severity) {
    if (severity < 1 || severity > MAX_SEVERITY) {
      throw new InvalidInputException("severity: expected 1 to 5, found " + severity);
    }
    return corruptions.stream().map(corruption -> new Shift(corruption, severity)).toList();
  }

  /** Whether images stay as they are. */
  public boolean untouched() {
    return corruption == Corruption.NONE || severity == 0;
  }

  /** The greatest whole severity that is not above this one. */
  int floor() {
    return (int) severity;
  }

  /** Weight of the images one whole severity higher, in [0, 1). */
  double fraction() {
    return severity - floor();
  }

  /**
   * The severity that the random path of a sample is named by. All severities from one whole number
   * to the next draw the same, so that mixing does not average noise out; those below 1 draw what
   * severity 1 does.
   */
  public int pathSeverity() {
    return Math.max(1, floor());
  }

  @Override
  public String toString() {
    return corruption == Corruption.NONE
        ? corruption.id()
        : corruption.id() + "-" + number(severity);
  }

  /** Whole numbers without a decimal point. */
  private static String number(double severity) {
    return severity == (int) severity
        ? Integer.toString((int) severity)
        : Double.toString(severity);
  }
}
