package dev.acclimate.agent.load;

import org.jspecify.annotations.Nullable;

/**
 * A request that is sent again and again.
 *
 * @param expected the first output that the model itself gives; null where answers depend on what
 *     was asked before
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Question(Wire.Body body, float @Nullable [] expected) {
  /** Runs of another batch size add in another order: a few units in the sixth digit. */
  private static final float TOLERANCE = 1e-4f;

  boolean isAnsweredBy(float... found) {
    if (expected == null) {
      return found.length > 0;
    }
    if (found.length != expected.length) {
      return false;
    }
    float largest = 1;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < found.length; i++) {
      if (!(Math.abs(found[i] - expected[i]) <= TOLERANCE * largest)) {
        return false;
      }
    }
    return true;
  }
}
