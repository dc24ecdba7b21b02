package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import java.util.List;

/**
 * A corruption at a severity: what sets one domain apart from another.
 *
 * @param corruption its kind
 * @param severity 1 (mild) to 5; without effect for {@link Corruption#NONE}
 */
public record Shift(Corruption corruption, int severity) {

  public static final int MAX_SEVERITY = 5;

  /** No corruption. */
  public static final Shift NONE = new Shift(Corruption.NONE, 1);

  /**
   * Checks the severity.
   *
   * @throws InvalidInputException if the severity is not 1 to 5
   */
  public Shift {
    if (severity < 1 || severity > MAX_SEVERITY) {
      throw new InvalidInputException("severity: expected 1 to 5, found " + severity);
    }
  }

  /** Every one of {@code corruptions} at one severity. */
  public static List<Shift> all(List<Corruption> corruptions, int severity) {
    return corruptions.stream().map(corruption -> new Shift(corruption, severity)).toList();
  }

  @Override
  public String toString() {
    return corruption == Corruption.NONE ? corruption.id() : corruption.id() + "-" + severity;
  }
}
