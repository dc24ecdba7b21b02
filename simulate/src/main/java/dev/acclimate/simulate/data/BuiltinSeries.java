package dev.acclimate.simulate.data;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sensor data that needs no download: vibrations of rotating machines in six states, as an
 * accelerometer with three channels measures them in m/s², made by this code from a seed. Windows
 * of 128 steps; speed, load, mounting and the fault's strength differ from one to the next.
 *
 * <p>Window {@code i} of a split depends on (split, seed, i) alone, as for {@link BuiltinImages}.
 */
public final class BuiltinSeries {

  /** The seed of the set called {@code builtin-series}. */
  public static final long DEFAULT_SEED = 0;

  /** Class names, in label order. */
  public static final List<String> CLASSES = MachineState.names();

  /** The shape of every window: channels, one row, steps. */
  public static final ImageShape SHAPE = new ImageShape(Vibration.CHANNELS, 1, Vibration.STEPS);

  private BuiltinSeries() {}

  /**
   * Windows to learn from.
   *
   * @param n how many
   */
  public static ImageSet train(int n, long seed) {
    return generate(Split.TRAIN, n, seed);
  }

  /**
   * Windows to judge by.
   *
   * @param n how many
   */
  public static ImageSet test(int n, long seed) {
    return generate(Split.TEST, n, seed);
  }

  static ImageSet generate(Split split, int n, long seed) {
    float[][] windows = new float[n][];
    int[] labels = new int[n];
    IntStream.range(0, n)
        .parallel()
        .forEach(
            i -> {
              SeededRandom random =
                  SeededRandom.of(seed, "series".hashCode(), split.name().hashCode(), i);
              labels[i] = random.nextInt(MachineState.ALL.size());
              windows[i] = Vibration.draw(MachineState.ALL.get(labels[i]), random);
            });
    return ImageSet.ofFloats(
        "builtin-series", SHAPE, CLASSES, windows, labels, Values.MEASUREMENTS);
  }
}
