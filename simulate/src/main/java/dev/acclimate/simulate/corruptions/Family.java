package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.Values;

/** What a {@link Corruption} is defined on. */
public enum Family {
  /** All values: they stay as they are. */
  ANY,
  /** Pixels. */
  IMAGE,
  /** Measurements of sensors over time. */
  SENSOR;

  /** Whether corruptions of this family can be applied to {@code values}. */
  public boolean definedOn(Values values) {
    return switch (this) {
      case ANY -> true;
      case IMAGE -> values == Values.PIXELS;
      case SENSOR -> values == Values.MEASUREMENTS;
    };
  }

  /**
   * The family of corruptions that change {@code values}; image corruptions where there is none.
   */
  public static Family of(Values values) {
    return values == Values.MEASUREMENTS ? SENSOR : IMAGE;
  }
}
