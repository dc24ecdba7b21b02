package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * CIFAR-10's binary version (Krizhevsky 2009): records of one label byte and 3,072 pixel bytes, the
 * red, green and blue planes of 32 rows of 32.
 */
final class Cifar10Files {

  static final ImageShape SHAPE = new ImageShape(3, 32, 32);
  static final int RECORD = 1 + SHAPE.size();
  static final List<String> CLASSES =
      List.of(
          "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck");

  private static final int TRAIN_FILES = 5;

  private Cifar10Files() {}

  /**
   * Reads the files of a split.
   *
   * @throws InvalidInputException if the directory or every file is missing, or one is malformed
   */
  static ImageSet read(Path directory, Split split) {
    if (!Files.isDirectory(directory)) {
      throw new InvalidInputException("cifar10: no such directory: " + directory);
    }
    List<byte[]> images = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (Path file : files(directory, split)) {
      readRecords(file, images, labels);
    }
    return ImageSet.ofBytes(
        "cifar10",
        SHAPE,
        CLASSES,
        images.toArray(byte[][]::new),
        labels.stream().mapToInt(Integer::intValue).toArray());
  }

  private static List<Path> files(Path directory, Split split) {
    List<Path> found = new ArrayList<>();
    if (split == Split.TEST) {
      addIfThere(directory, "test_batch", found);
    } else {
      // some of the five are enough to learn from
      for (int i = 1; i <= TRAIN_FILES; i++) {
        addIfThere(directory, "data_batch_" + i, found);
      }
    }
    if (found.isEmpty()) {
      String stem = split == Split.TEST ? "test_batch" : "data_batch_1..5";
      throw new InvalidInputException(
          "cifar10: neither %s.bin nor %s.bin.gz in %s".formatted(stem, stem, directory));
    }
    return found;
  }

  private static void addIfThere(Path directory, String stem, List<Path> found) {
    for (String ending : List.of(".bin", ".bin.gz")) {
      Path file = directory.resolve(stem + ending);
      if (Files.isRegularFile(file)) {
        found.add(file);
        return;
      }
    }
  }

  private static void readRecords(Path file, List<byte[]> images, List<Integer> labels) {
    byte[] bytes = bytes(file);
    if (bytes.length == 0 || bytes.length % RECORD != 0) {
      throw new InvalidInputException(
          "%s: expected a length that is a positive multiple of 3,073, found %,d bytes"
              .formatted(file, bytes.length));
    }
    for (int start = 0; start < bytes.length; start += RECORD) {
      int label = bytes[start] & 0xff;
      if (label >= CLASSES.size()) {
        throw new InvalidInputException(
            "%s: record %d: expected a label 0 to 9, found %d"
                .formatted(file, start / RECORD, label));
      }
      byte[] image = new byte[RECORD - 1];
      System.arraycopy(bytes, start + 1, image, 0, image.length);
      images.add(image);
      labels.add(label);
    }
  }

  private static byte[] bytes(Path file) {
    try (InputStream raw = Files.newInputStream(file);
        InputStream in = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
