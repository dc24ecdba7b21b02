package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Labelled images {@code [N, C, H, W]}, held in memory one array an image as uint8 or float32, or
 * read from files when asked for; or windows of time series {@code [N, C, 1, L]}: C sensor
 * channels, L time steps.
 *
 * <p>{@link #values()} tells what the numbers are: pixels read as values in [0, 1] and can be
 * corrupted and preprocessed, so can measurements; model inputs are passed on as they are.
 *
 * <p>Immutable and safe to read from many threads; the arrays given to a factory are not copied and
 * must not change afterwards.
 */
public final class ImageSet {

  /** Division once per possible byte, not once per pixel. */
  private static final float[] BYTE_TO_UNIT = new float[256];

  static {
    for (int value = 0; value < 256; value++) {
      BYTE_TO_UNIT[value] = value / 255f;
    }
  }

  /** Where the values come from. Safe for use by many threads. */
  @FunctionalInterface
  interface Storage {
    /**
     * Writes the {@code [C, H, W]} values of an image.
     *
     * @throws InvalidInputException if it is read from a file only now, and cannot be
     */
    void read(int index, float[] chw);
  }

  private final String name;
  private final ImageShape shape;
  private final List<String> classes;
  private final int[] labels;
  private final int[] origins;
  private final Values values;
  private final Storage storage;
  private volatile @Nullable ChannelStatistics statistics;

  private ImageSet(
      String name,
      ImageShape shape,
      List<String> classes,
      int[] labels,
      int[] origins,
      Values values,
      Storage storage) {
    this.name = name;
    this.shape = shape;
    this.classes = List.copyOf(classes);
    this.labels = labels;
    this.origins = origins;
    this.values = values;
    this.storage = storage;
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= this.classes.size()) {
        throw new InvalidInputException(
            "%s: label of sample %d must be 0 to %d, found %d"
                .formatted(name, i, this.classes.size() - 1, labels[i]));
      }
    }
  }

  /**
   * Data that are read when asked for.
   *
   * @param labels {@code [N]}, indices into {@code classes}
   * @throws InvalidInputException if a label is not a class
   */
  static ImageSet of(
      String name,
      ImageShape shape,
      List<String> classes,
      int[] labels,
      Values values,
      Storage storage) {
    int[] origins = IntStream.range(0, labels.length).toArray();
    return new ImageSet(name, shape, classes, labels, origins, values, storage);
  }

  /** A pixel's value in [0, 1]. */
  static float unit(byte pixel) {
    return BYTE_TO_UNIT[pixel & 0xff];
  }

  /**
   * Pixel data in bytes.
   *
   * @param images {@code [N][C * H * W]}, planes in channel order, 0 to 255
   * @param labels {@code [N]}, indices into {@code classes}
   * @throws InvalidInputException if a label is not a class
   * @throws IllegalArgumentException if the array lengths do not fit together
   */
  public static ImageSet ofBytes(
      String name, ImageShape shape, List<String> classes, byte[][] images, int[] labels) {
    requireLengths(images.length, labels.length);
    for (byte[] image : images) {
      requireLengths(shape.size(), image.length);
    }
    return of(
        name,
        shape,
        classes,
        labels,
        Values.PIXELS,
        (index, chw) -> {
          byte[] image = images[index];
          for (int i = 0; i < image.length; i++) {
            chw[i] = unit(image[i]);
          }
        });
  }

  /**
   * Float data.
   *
   * @param images {@code [N][C * H * W]}, planes in channel order
   * @param labels {@code [N]}, indices into {@code classes}
   * @param values what the numbers are
   * @throws InvalidInputException if a label is not a class
   * @throws IllegalArgumentException if the array lengths do not fit together, or measurements are
   *     more than one row high
   */
  public static ImageSet ofFloats(
      String name,
      ImageShape shape,
      List<String> classes,
      float[][] images,
      int[] labels,
      Values values) {
    if (values == Values.MEASUREMENTS) {
      requireLengths(1, shape.height());
    }
    requireLengths(images.length, labels.length);
    for (float[] image : images) {
      requireLengths(shape.size(), image.length);
    }
    return of(
        name,
        shape,
        classes,
        labels,
        values,
        (index, chw) -> System.arraycopy(images[index], 0, chw, 0, images[index].length));
  }

  private static void requireLengths(int expected, int found) {
    if (expected != found) {
      throw new IllegalArgumentException("expected length " + expected + ", found " + found);
    }
  }

  /** What the set is called in reports, for example {@code cifar10}. */
  public String name() {
    return name;
  }

  /** Number of images. */
  public int size() {
    return labels.length;
  }

  /** The shape of each image. */
  public ImageShape shape() {
    return shape;
  }

  public int channels() {
    return shape.channels();
  }

  public int height() {
    return shape.height();
  }

  public int width() {
    return shape.width();
  }

  /** Class names; a label is an index into them. */
  public List<String> classes() {
    return classes;
  }

  /** The class of image {@code index}. */
  public int label(int index) {
    return labels[index];
  }

  /** All labels in order, a fresh array {@code [N]}. */
  public int[] labels() {
    return labels.clone();
  }

  /**
   * Which sample of the whole data image {@code index} is: the same number in every part of the
   * data and however the image is changed.
   */
  public int origin(int index) {
    return origins[index];
  }

  /** What the numbers are. */
  public Values values() {
    return values;
  }

  /** Mean and standard deviation of each channel; read off all samples the first time. */
  public ChannelStatistics statistics() {
    ChannelStatistics known = statistics;
    if (known == null) {
      known = ChannelStatistics.of(this);
      statistics = known;
    }
    return known;
  }

  /**
   * Copies one image out.
   *
   * @param chw receives the {@code [C, H, W]} values; at least {@code shape().size()} long
   * @throws InvalidInputException if it is read from a file only now, and cannot be
   */
  public void read(int index, float[] chw) {
    Objects.checkIndex(index, labels.length);
    storage.read(index, chw);
  }

  /**
   * The images at {@code indices}, in that order; shares the pixels with this set.
   *
   * @throws IndexOutOfBoundsException if an index is not below {@link #size()}
   */
  public ImageSet subset(int[] indices) {
    int[] chosen = indices.clone();
    int[] chosenLabels = new int[chosen.length];
    int[] chosenOrigins = new int[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      chosenLabels[i] = labels[Objects.checkIndex(chosen[i], labels.length)];
      chosenOrigins[i] = origins[chosen[i]];
    }
    return new ImageSet(
        name,
        shape,
        classes,
        chosenLabels,
        chosenOrigins,
        values,
        (index, chw) -> storage.read(chosen[index], chw));
  }

  /** A change to one image: its index in the set and its {@code [C, H, W]} values. */
  @FunctionalInterface
  public interface Change {
    void apply(int index, float[] chw);
  }

  /**
   * The same images, each changed whenever it is read.
   *
   * @param change safe for use by several threads
   */
  public ImageSet mapped(Change change) {
    return new ImageSet(
        name,
        shape,
        classes,
        labels,
        origins,
        values,
        (index, chw) -> {
          storage.read(index, chw);
          change.apply(index, chw);
        });
  }

  /**
   * The same images under other labels.
   *
   * @param label the new label of an old one
   * @throws InvalidInputException if a new label is not a class
   */
  public ImageSet relabelled(IntUnaryOperator label) {
    int[] others = Arrays.stream(labels).map(label).toArray();
    return new ImageSet(name, shape, classes, others, origins, values, storage);
  }

  /** The first {@code n} images, or all of them where there are fewer. */
  public ImageSet head(int n) {
    int[] indices = new int[Math.min(n, size())];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = i;
    }
    return subset(indices);
  }

  /**
   * {@code n} images from image {@code from} on, after the last one starting again with the first.
   *
   * @param from any number from 0 on
   * @param n at most as many as there are
   */
  public ImageSet window(long from, int n) {
    int[] indices = new int[n];
    for (int i = 0; i < n; i++) {
      indices[i] = (int) ((from + i) % size());
    }
    return subset(indices);
  }

  @Override
  public String toString() {
    return name + " [" + size() + " images " + shape + ", " + classes.size() + " classes]";
  }
}
