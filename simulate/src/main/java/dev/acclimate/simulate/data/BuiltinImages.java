package dev.acclimate.simulate.data;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A data set that needs no download: 32x32 RGB images of ten kinds of shape and texture, drawn by
 * this code from a seed.
 *
 * <p>It stands in for photographs, so it has their statistics as far as these matter to
 * normalization (mean near 0.45, channels that go together, detail at every scale) and enough
 * variety that a small ResNet learns it well but not perfectly: some objects are faint, hidden in
 * part, or beside another one.
 *
 * <p>Image {@code i} of a split depends on (split, seed, i) alone: a longer set begins with the
 * shorter one, and the number of threads does not matter.
 */
public final class BuiltinImages {

  /** The seed of the set called {@code builtin}. */
  public static final long DEFAULT_SEED = 0;

  /** Class names, in label order. */
  public static final List<String> CLASSES = Motif.names();

  /** The shape of every image. */
  public static final ImageShape SHAPE = new ImageShape(3, Scene.SIDE, Scene.SIDE);

  private BuiltinImages() {}

  /**
   * Images to learn from.
   *
   * @param n how many
   */
  public static ImageSet train(int n, long seed) {
    return generate(Split.TRAIN, n, seed);
  }

  /**
   * Images to judge by.
   *
   * @param n how many
   */
  public static ImageSet test(int n, long seed) {
    return generate(Split.TEST, n, seed);
  }

  static ImageSet generate(Split split, int n, long seed) {
    byte[][] images = new byte[n][];
    int[] labels = new int[n];
    IntStream.range(0, n)
        .parallel()
        .forEach(
            i -> {
              SeededRandom random = SeededRandom.of(seed, split.name().hashCode(), i);
              labels[i] = random.nextInt(Motif.ALL.size());
              Motif motif = Motif.ALL.get(labels[i]);
              images[i] = new Scene(random).draw(motif);
            });
    return ImageSet.ofBytes("builtin", SHAPE, CLASSES, images, labels);
  }
}
