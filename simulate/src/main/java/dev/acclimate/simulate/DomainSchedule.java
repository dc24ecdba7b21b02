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
  /** Each sample from any domain, all images of all domains once. */
  MIXED("mixed"),
  /**
   * One after another without a reset, the severity of each rising from 1 and falling back to it in
   * equal steps (1, 2, ... 5, ... 2, 1 where the stream's severity is 5).
   */
  GRADUAL("gradual"),
  /** The continual sequence again and again, see {@link StreamOptions#rounds}. */
  RECURRING("recurring"),
  /**
   * From each domain to the next in small steps, or from clean images where there is only one: over
   * all images once, the severity of the one falls from the stream's to 0 while that of the other
   * rises from 0 to the stream's. After CCC (Press et al., NeurIPS 2023, "RDumb"), which walks
   * between pairs of corruptions too, but along a path that keeps the accuracy of a reference model
   * constant; ours is a straight line, so that difficulty changes along it.
   */
  SMOOTH("smooth");

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

  @Override
  public String toString() {
    return id;
  }
}
