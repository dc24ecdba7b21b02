package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What has an adaptation state of its own; batches never mix two of them. */
public enum Scope {
  /** Every record key: a camera, a device, a tenant. Records without a key are one stream. */
  STREAM,
  /** Every partition of the topic in. */
  PARTITION,
  /** The topic in as a whole, which one processor of the group then reads alone. */
  MODEL;

  /**
   * Reads {@code stream}, {@code partition} or {@code model}.
   *
   * @throws InvalidInputException when it is none of them
   */
  public static Scope parse(String text) {
    for (Scope scope : values()) {
      if (scope.toString().equals(text)) {
        return scope;
      }
    }
    throw new InvalidInputException(
        "expected "
            + Arrays.stream(values()).map(Scope::toString).collect(Collectors.joining(", "))
            + ", found '"
            + text
            + "'");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
