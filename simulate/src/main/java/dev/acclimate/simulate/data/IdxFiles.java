package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * MNIST and sets in its form, such as Fashion-MNIST and KMNIST: {@code train-images-idx3-ubyte},
 * {@code train-labels-idx1-ubyte}, and the same of {@code t10k}; gzipped or not, also with a dot
 * before {@code idx}.
 *
 * <p>A file (LeCun, Cortes and Burges, "The MNIST database") is two zero bytes, the type (8:
 * uint8), the number of dimensions, each dimension in four bytes, high byte first, then the values.
 */
final class IdxFiles {

  private static final int UNSIGNED_BYTE = 8;
  private static final int MAX_IMAGE = 1 << 24;

  private IdxFiles() {}

  /**
   * Reads a split.
   *
   * @throws InvalidInputException if a file is missing or malformed, or there are not as many
   *     labels as images
   */
  static ImageSet read(Path directory, Split split) {
    if (!Files.isDirectory(directory)) {
      throw new InvalidInputException("idx: no such directory: " + directory);
    }
    String part = split == Split.TEST ? "t10k" : "train";
    Path imageFile = find(directory, part + "-images", 3);
    Path labelFile = find(directory, part + "-labels", 1);
    int[] labels = read(labelFile, 1, IdxFiles::labels);
    return read(
        imageFile,
        3,
        (in, shape) -> {
          if (shape[0] != labels.length) {
            throw new InvalidInputException(
                "%s: expected as many images as %s has labels, %,d, found %,d"
                    .formatted(imageFile, labelFile, labels.length, shape[0]));
          }
          if (shape[1] < 1 || shape[2] < 1 || (long) shape[1] * shape[2] > MAX_IMAGE) {
            throw new InvalidInputException(
                "%s: expected shape [N, H, W], found %s"
                    .formatted(imageFile, Arrays.toString(shape)));
          }
          ImageShape image = new ImageShape(1, shape[1], shape[2]);
          byte[][] images = new byte[labels.length][];
          for (int i = 0; i < images.length; i++) {
            images[i] = in.readNBytes(image.size());
            requireLength(images[i].length, image.size());
          }
          return ImageSet.ofBytes("idx", image, NpyLabels.classes(labels), images, labels);
        });
  }

  private static Path find(Path directory, String stem, int dimensions) {
    String plain = "%s-idx%d-ubyte".formatted(stem, dimensions);
    String dotted = "%s.idx%d-ubyte".formatted(stem, dimensions);
    for (String name : List.of(plain, plain + ".gz", dotted, dotted + ".gz")) {
      if (Files.isRegularFile(directory.resolve(name))) {
        return directory.resolve(name);
      }
    }
    throw new InvalidInputException(
        "idx: neither %s nor %s, nor with .gz, in %s".formatted(plain, dotted, directory));
  }

  private interface Reading<T> {
    T from(DataInputStream in, int[] shape) throws IOException;
  }

  private static <T> T read(Path file, int dimensions, Reading<T> reading) {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
        InputStream plain = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw;
        DataInputStream in = new DataInputStream(plain)) {
      int magic = in.readInt();
      if (magic != (UNSIGNED_BYTE << 8 | dimensions)) {
        throw new InvalidInputException(
            "%s: expected an idx file of uint8 with %d dimensions (magic number %d), found %d"
                .formatted(file, dimensions, UNSIGNED_BYTE << 8 | dimensions, magic));
      }
      int[] shape = new int[dimensions];
      for (int i = 0; i < dimensions; i++) {
        shape[i] = in.readInt();
      }
      if (shape[0] < 1) {
        throw new InvalidInputException(
            "%s: expected at least one sample, found %d".formatted(file, shape[0]));
      }
      T result = reading.from(in, shape);
      if (in.read() >= 0) {
        throw new InvalidInputException(
            "%s: expected the end after values for shape %s, found more"
                .formatted(file, Arrays.toString(shape)));
      }
      return result;
    } catch (EOFException e) {
      throw new InvalidInputException(file + ": ends too early", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static int[] labels(DataInputStream in, int[] shape) throws IOException {
    byte[] bytes = in.readNBytes(shape[0]);
    requireLength(bytes.length, shape[0]);
    int[] labels = new int[bytes.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = bytes[i] & 0xff;
    }
    return labels;
  }

  private static void requireLength(int found, int expected) throws EOFException {
    if (found < expected) {
      throw new EOFException();
    }
  }
}
