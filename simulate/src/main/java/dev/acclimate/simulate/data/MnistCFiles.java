package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * MNIST-C as published (Mu and Gilmer 2019): a folder a corruption with {@code test_images.npy}
 * uint8 {@code [N, 28, 28, 1]}, {@code test_labels.npy}, and the same of {@code train}. The folder
 * {@code identity} holds the digits as they are. There are no severities.
 */
final class MnistCFiles {

  private static final String CLEAN = "identity";

  private static final List<String> CLASSES =
      IntStream.rangeClosed(0, 9).mapToObj(String::valueOf).toList();

  private MnistCFiles() {}

  /**
   * The corruptions there are.
   *
   * @throws InvalidInputException if the directory is missing or holds none
   */
  static List<String> domains(Path directory) {
    List<String> corruptions =
        Folder.folders(directory).stream()
            .filter(name -> !name.equals(CLEAN))
            .filter(name -> Files.isRegularFile(images(directory.resolve(name), Split.TEST)))
            .toList();
    return OwnDomains.inOrder(
        OwnDomains.some(corruptions, directory, "a folder such as fog with test_images.npy"),
        OwnDomains.MNIST_C);
  }

  /**
   * Maps the test images of a corruption.
   *
   * @throws InvalidInputException if there is no such corruption, or a file is malformed
   */
  static ImageSet read(Path directory, String corruption) {
    OwnDomains.requireKnown(corruption, domains(directory));
    return read(directory.resolve(corruption), Split.TEST, "mnistc/" + corruption);
  }

  /**
   * Maps the images as they are.
   *
   * @throws InvalidInputException if they are not there, or a file is malformed
   */
  static ImageSet clean(Path directory, Split split) {
    List<String> domains = domains(directory);
    Path folder = directory.resolve(CLEAN);
    if (!Files.isDirectory(folder)) {
      throw OwnDomains.nothingClean(
          directory, domains, "put MNIST-C's folder %s there".formatted(CLEAN));
    }
    return read(folder, split, "mnistc");
  }

  private static ImageSet read(Path folder, Split split, String name) {
    return NpyFile.set(name, images(folder, split), file(folder, split, "labels"), CLASSES);
  }

  private static Path images(Path folder, Split split) {
    return file(folder, split, "images");
  }

  private static Path file(Path folder, Split split, String kind) {
    return folder.resolve((split == Split.TEST ? "test_" : "train_") + kind + ".npy");
  }
}
