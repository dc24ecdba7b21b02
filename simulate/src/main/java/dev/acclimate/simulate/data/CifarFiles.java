package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of label bytes and 3,072
 * pixel bytes, the red, green and blue planes of 32 rows of 32.
 */
final class CifarFiles {

  static final ImageShape SHAPE = new ImageShape(3, 32, 32);

  private CifarFiles() {}

  /**
   * Reads the files of a split.
   *
   * @throws InvalidInputException if the directory or every file is missing, or one is malformed
   */
  static ImageSet read(CifarVersion version, Path directory, Split split) {
    if (!Files.isDirectory(directory)) {
      throw new InvalidInputException(version.id() + ": no such directory: " + directory);
    }
    List<Path> files = files(version, directory, split);
    if (files.isEmpty()) {
      throw new InvalidInputException(
          "%s: none of %s, .bin or .bin.gz, in %s"
              .formatted(version.id(), String.join(", ", version.files(split)), directory));
    }
    List<byte[]> images = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (Path file : files) {
      readRecords(version, file, images, labels);
    }
    return ImageSet.ofBytes(
        version.id(),
        SHAPE,
        version.classes(),
        images.toArray(byte[][]::new),
        labels.stream().mapToInt(Integer::intValue).toArray());
  }

  /**
   * Reads the clean images of a shifted version of the set from where one puts them: the version's
   * directory, its parent, or folders in either that are called as usual.
   *
   * @param domains of the shifted version, for the message
   * @throws InvalidInputException if they are not there; the message says where to put them
   */
  static ImageSet readBeside(
      Path directory, CifarVersion version, Split split, List<String> domains) {
    Path here = directory.toAbsolutePath().normalize();
    return Stream.of(here, here.resolve(".."))
        .map(Path::normalize)
        .flatMap(
            place ->
                Stream.concat(Stream.of(place), version.folders().stream().map(place::resolve)))
        .filter(place -> !files(version, place, split).isEmpty())
        .findFirst()
        .map(place -> read(version, place, split))
        .orElseThrow(
            () ->
                OwnDomains.nothingClean(
                    directory,
                    domains,
                    "put %s.bin of %s there or into a folder %s beside it"
                        .formatted(version.files(split).get(0), version.id(), version.id())));
  }

  /** Those that are there: some of the training files are enough to learn from. */
  private static List<Path> files(CifarVersion version, Path directory, Split split) {
    return version.files(split).stream()
        .flatMap(
            stem ->
                Stream.of(".bin", ".bin.gz")
                    .map(ending -> directory.resolve(stem + ending))
                    .filter(Files::isRegularFile)
                    .limit(1))
        .toList();
  }

  private static void readRecords(
      CifarVersion version, Path file, List<byte[]> images, List<Integer> labels) {
    byte[] bytes = bytes(file);
    int record = version.labelBytes() + SHAPE.size();
    if (bytes.length == 0 || bytes.length % record != 0) {
      throw new InvalidInputException(
          "%s: expected a length that is a positive multiple of %,d, found %,d bytes"
              .formatted(file, record, bytes.length));
    }
    for (int start = 0; start < bytes.length; start += record) {
      int pixels = start + version.labelBytes();
      int label = bytes[pixels - 1] & 0xff;
      if (label >= version.classes().size()) {
        throw new InvalidInputException(
            "%s: record %d: expected a label 0 to %d, found %d"
                .formatted(file, start / record, version.classes().size() - 1, label));
      }
      byte[] image = new byte[SHAPE.size()];
      System.arraycopy(bytes, pixels, image, 0, image.length);
      images.add(image);
      labels.add(label);
    }
  }

  private static byte[] bytes(Path file) {
    try (InputStream raw = Files.newInputStream(file);
        InputStream in = file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
      return in.readAllBytes();
    } catch (EOFException e) {
      throw new InvalidInputException(file + ": ends too early", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
