package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Labels in a NumPy array {@code [N]} of integers. */
final class NpyLabels {

  /** More classes than this is a mistake rather than a data set. */
  private static final int MAX_CLASSES = 100_000;

  private NpyLabels() {}

  /**
   * Reads all labels.
   *
   * @throws InvalidInputException if the type or the shape is another, or a label is negative or
   *     implausibly large
   */
  static int[] read(NpyArray array) throws IOException {
    long[] shape = array.shape();
    if (shape.length != 1 || shape[0] < 1 || shape[0] > Integer.MAX_VALUE / Long.BYTES) {
      throw new InvalidInputException(
          "%s: expected shape [N], found %s".formatted(array.where(), Arrays.toString(shape)));
    }
    int bytes =
        switch (array.type()) {
          case "i8" -> Long.BYTES;
          case "i4" -> Integer.BYTES;
          case "u1" -> 1;
          default ->
              throw new InvalidInputException(
                  "%s: expected int64, int32 or uint8 (<i8, <i4, |u1), found %s"
                      .formatted(array.where(), array.descr()));
        };
    // values first: a header that promises too many must not cost the memory
    ByteBuffer values = array.next((int) shape[0] * bytes);
    int[] labels = new int[(int) shape[0]];
    for (int i = 0; i < labels.length; i++) {
      long label =
          switch (bytes) {
            case Long.BYTES -> values.getLong();
            case Integer.BYTES -> values.getInt();
            default -> values.get() & 0xff;
          };
      if (label < 0 || label >= MAX_CLASSES) {
        throw new InvalidInputException(
            "%s: expected labels 0 to %,d, found %d at %d"
                .formatted(array.where(), MAX_CLASSES - 1, label, i));
      }
      labels[i] = (int) label;
    }
    return labels;
  }

  /** As many classes as the labels tell of; their numbers serve as names. */
  static List<String> classes(int[] labels) {
    return IntStream.range(0, count(labels)).mapToObj(String::valueOf).toList();
  }

  /** One more than the largest label. */
  static int count(int[] labels) {
    return Arrays.stream(labels).max().orElse(-1) + 1;
  }
}
