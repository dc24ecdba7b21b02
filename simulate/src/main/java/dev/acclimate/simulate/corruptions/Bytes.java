package dev.acclimate.simulate.corruptions;

/** Values in [0, 1] as the bytes that an image file holds. */
final class Bytes {

  /** Lets a whole number of steps stay one in spite of float rounding. */
  private static final float ROUNDING_SLACK = 1e-3f;

  private Bytes() {}

  /** Clips to [0, 1]. */
  static void clip(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.max(0, Math.min(1, values[i]));
    }
  }

  /** Clips to [0, 1] and cuts down to steps of 1/255. */
  static void truncate(float[] values) {
    for (int i = 0; i < values.length; i++) {
      float clipped = Math.max(0, Math.min(1, values[i]));
      values[i] = (int) (clipped * 255 + ROUNDING_SLACK) / 255f;
    }
  }

  /** Clips to [0, 1] and rounds to steps of 1/255. */
  static void round(float[] values) {
    for (int i = 0; i < values.length; i++) {
      float clipped = Math.max(0, Math.min(1, values[i]));
      values[i] = (int) (clipped * 255 + 0.5f) / 255f;
    }
  }
}
