package dev.acclimate.simulate.data;

/** What the numbers of an {@link ImageSet} are, which decides what may be done to them. */
public enum Values {
  /** Pixels in [0, 1]: image corruptions apply, and the model's preprocessing. */
  PIXELS,
  /** What the model reads: passed on as they are. */
  MODEL_INPUTS,
  /**
   * Raw values of sensors, in whatever units: sensor corruptions apply, and {@code (x - mean) /
   * std} of the model's preprocessing.
   */
  MEASUREMENTS
}
