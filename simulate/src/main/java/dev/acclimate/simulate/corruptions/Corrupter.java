package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ChannelStatistics;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Values;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Applies a {@link Shift}, or a chain of them one after another, to images of one shape. Kernels
 * are computed once; what is random about a sample depends on (seed, corruption, severity, sample)
 * alone, so neither the order nor the number of threads changes a result.
 *
 * <p>What is random about a device and not about a sample (see {@link SensorDrift}) depends on
 * (seed, corruption) alone.
 *
 * <p>A chain of different corruptions does what a corrupter for each, with the same seed, would do
 * in turn. Images are clipped to [0, 1] and cut down to steps of 1/255 after each shift, as the
 * published sets are: they hold bytes, made by truncation. Safe for use by several threads.
 */
public final class Corrupter {

  private final List<Shift> shifts;
  private final ImageShape shape;
  private final List<ShiftStep> steps;

  private Corrupter(
      List<Shift> shifts, ImageShape shape, Supplier<ChannelStatistics> channels, long seed) {
    this.shifts = List.copyOf(shifts);
    this.shape = shape;
    this.steps = ShiftStep.chain(shifts, shape, channels, seed);
  }

  /**
   * A corrupter for images of one shape.
   *
   * @param seed of everything random in the corrupted images
   */
  public static Corrupter of(Shift shift, ImageShape shape, long seed) {
    return of(List.of(shift), shape, seed);
  }

  /**
   * A corrupter that applies {@code shifts} in their order.
   *
   * @param seed of everything random in the corrupted images
   * @throws IllegalArgumentException for sensor drift, whose strength is in units of a set's
   *     deviations
   */
  public static Corrupter of(List<Shift> shifts, ImageShape shape, long seed) {
    return new Corrupter(
        shifts,
        shape,
        () -> {
          throw new IllegalArgumentException("sensor drift needs a set, found a shape: " + shape);
        },
        seed);
  }

  /**
   * A corrupter for the images of a set.
   *
   * @throws InvalidInputException if the corruption is not defined on what the set holds
   */
  public static Corrupter of(Shift shift, ImageSet images, long seed) {
    return of(List.of(shift), images, seed);
  }

  /**
   * A corrupter for the images of a set that applies {@code shifts} in their order.
   *
   * @throws InvalidInputException if a corruption is not defined on what the set holds
   */
  public static Corrupter of(List<Shift> shifts, ImageSet images, long seed) {
    for (Shift shift : shifts) {
      if (!shift.corruption().family().definedOn(images.values())) {
        throw new InvalidInputException(
            "corruptions: %s is not defined on %s, which holds %s"
                .formatted(shift.corruption(), images.name(), describe(images.values())));
      }
    }
    return new Corrupter(shifts, images.shape(), images::statistics, seed);
  }

  private static String describe(Values values) {
    return switch (values) {
      case PIXELS -> "pixels";
      case MODEL_INPUTS -> "model inputs (float values outside [0, 1])";
      case MEASUREMENTS -> "measurements";
    };
  }

  /** What is applied, in this order. */
  public List<Shift> shifts() {
    return shifts;
  }

  /**
   * Corrupts one image in place.
   *
   * @param sample the image's number in its set, which its randomness hangs on
   * @param chw pixels {@code [C, H, W]} in [0, 1], or measurements {@code [C, 1, L]}
   */
  public void corrupt(int sample, float[] chw) {
    if (chw.length != shape.size()) {
      throw new IllegalArgumentException(
          "expected %d values for %s, found %d".formatted(shape.size(), shape, chw.length));
    }
    for (ShiftStep step : steps) {
      step.apply(sample, chw);
    }
  }

  /**
   * Corrupts a batch in place, over all cores.
   *
   * @param samples {@code [B]}, the images' numbers in their set
   * @param images {@code [B][C * H * W]}, as in {@link #corrupt}
   */
  public void corruptAll(int[] samples, float[][] images) {
    Objects.checkFromToIndex(0, images.length, samples.length);
    IntStream.range(0, images.length).parallel().forEach(i -> corrupt(samples[i], images[i]));
  }
}
