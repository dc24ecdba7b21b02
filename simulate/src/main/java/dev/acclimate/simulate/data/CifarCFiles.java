package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * CIFAR-10-C and CIFAR-100-C as published (Hendrycks and Dietterich, ICLR 2019): one {@code
 * <corruption>.npy} each, uint8 {@code [N, 32, 32, 3]}, the test images five times over, from
 * severity 1 to 5; and {@code labels.npy}, {@code [N]} or {@code [N / 5]}.
 */
final class CifarCFiles {

  private static final String ENDING = ".npy";
  private static final String LABELS = "labels" + ENDING;

  private CifarCFiles() {}

  /**
   * The corruptions there are.
   *
   * @throws InvalidInputException if the directory is missing or holds none
   */
  static List<String> domains(Path directory) {
    List<String> corruptions =
        Folder.files(directory).stream()
            .filter(name -> name.endsWith(ENDING) && !name.equals(LABELS))
            .map(name -> name.substring(0, name.length() - ENDING.length()))
            .toList();
    return OwnDomains.inOrder(
        OwnDomains.some(corruptions, directory, "a file a corruption such as fog.npy"),
        OwnDomains.HENDRYCKS);
  }

  /**
   * Maps the images of one severity.
   *
   * @throws InvalidInputException if there is no such corruption or severity, or a file is
   *     malformed
   */
  static ImageSet read(Path directory, String corruption, int severity) {
    OwnDomains.requireKnown(corruption, domains(directory));
    OwnDomains.requireSeverity(severity);
    Path file = directory.resolve(corruption + ENDING);
    NpyFile images = NpyFile.images(file);
    if (images.count() % OwnDomains.SEVERITIES != 0) {
      throw new InvalidInputException(
          "%s: expected as many images of each of the 5 severities, found %,d in all"
              .formatted(file, images.count()));
    }
    int block = images.count() / OwnDomains.SEVERITIES;
    int from = (severity - 1) * block;
    int[] all = NpyFile.labels(directory.resolve(LABELS));
    if (all.length != block && all.length != images.count()) {
      throw new InvalidInputException(
          "%s: expected %,d labels or %,d, to go with %s, found %,d"
              .formatted(directory.resolve(LABELS), images.count(), block, corruption, all.length));
    }
    int[] labels = new int[block];
    System.arraycopy(all, all.length == block ? 0 : from, labels, 0, block);
    List<String> classes =
        version(all).map(CifarVersion::classes).orElseGet(() -> NpyLabels.classes(all));
    return ImageSet.of(
        "cifar10c/" + corruption,
        images.shape(),
        classes,
        labels,
        Values.PIXELS,
        images.block(from, block));
  }

  /**
   * The uncorrupted images, from CIFAR's binary files in the directory or beside it.
   *
   * @throws InvalidInputException if they are not there; the message says where to put them
   */
  static ImageSet clean(Path directory, Split split) {
    List<String> domains = domains(directory);
    CifarVersion version =
        version(NpyFile.labels(directory.resolve(LABELS))).orElse(CifarVersion.CIFAR10);
    return CifarFiles.readBeside(directory, version, split, domains);
  }

  /** Which set the labels are of, by the number of classes. */
  private static Optional<CifarVersion> version(int[] labels) {
    int classes = NpyLabels.count(labels);
    return Stream.of(CifarVersion.CIFAR10, CifarVersion.CIFAR100)
        .filter(version -> version.classes().size() == classes)
        .findFirst();
  }
}
