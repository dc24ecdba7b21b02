package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.stream.Collectors;

/** How domains follow one another. */
public enum DomainSchedule {
  /** Each by itself: the state is reset before every domain. */
  SINGLE("single"),
  /** One after another without a reset. */
  CONTINUAL("continual"),
  /** The continual sequence again and again, see {@link StreamOptions#rounds}. */
  RECURRING("recurring");

  private final String id;

  DomainSchedule(String id) {
    this.id = id;
  }

  /** The name in flags and reports. */
  public String id() {
    return id;
  }

  /**
   * Finds a schedule by its name.
   *
   * @throws InvalidInputException if there is no such schedule; the message lists those there are
   */
  public static DomainSchedule parse(String id) {
    for (DomainSchedule schedule : values()) {
      if (schedule.id.equals(id)) {
        return schedule;
      }
    }
    throw new InvalidInputException(
        "domains: expected one of %s, found \"%s\""
            .formatted(
                Arrays.stream(values()).map(DomainSchedule::id).collect(Collectors.joining(", ")),
                id));
  }

  /** Whether the state is reset before the domain at {@code position}, 0 being the first. */
  boolean resetsBefore(int position) {
    return position == 0 || this == SINGLE;
  }

  @Override
  public String toString() {
    return id;
  }
}
