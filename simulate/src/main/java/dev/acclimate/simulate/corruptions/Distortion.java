package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.random.SeededRandom;

/** One corruption at one severity for one image shape. Safe for use by several threads. */
@FunctionalInterface
interface Distortion {

  /**
   * Changes an image in place.
   *
   * @param chw values in [0, 1]; may leave that range, the caller clips
   * @param random belongs to this image
   */
  void apply(float[] chw, SeededRandom random);
}
