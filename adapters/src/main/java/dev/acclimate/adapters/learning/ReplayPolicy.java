package dev.acclimate.adapters.learning;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.Locale;

/** Which samples of a stream a full buffer keeps. */
public enum ReplayPolicy {
  /** Each sample seen so far with the same probability: Vitter 1985, algorithm R. */
  RESERVOIR,

  /**
   * As many of each class as there are of any other, and within a class each with the same
   * probability: Chrysakis and Moens 2020, "Online Continual Learning from Imbalanced Data".
   */
  CLASS_BALANCED;

  /**
   * Reads a name, such as {@code class-balanced}.
   *
   * @throws InvalidInputException when there is no such policy
   */
  public static ReplayPolicy parse(String name) {
    return Arrays.stream(values())
        .filter(policy -> policy.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "replay policy: expected one of "
                        + Arrays.toString(values())
                        + ", found '"
                        + name
                        + "'"));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
