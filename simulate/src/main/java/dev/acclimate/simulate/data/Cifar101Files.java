package dev.acclimate.simulate.data;

import java.nio.file.Path;
import java.util.List;

/**
 * CIFAR-10.1 (Recht, Roelofs, Schmidt and Shankar 2018, "Do CIFAR-10 Classifiers Generalize to
 * CIFAR-10?"): new test images collected as CIFAR-10's were. A version is a pair of files, {@code
 * cifar10.1_v6_data.npy} uint8 {@code [N, 32, 32, 3]} and {@code cifar10.1_v6_labels.npy}.
 */
final class Cifar101Files {

  private static final String DATA = "_data.npy";

  private Cifar101Files() {}

  /**
   * The versions there are, for example {@code cifar10.1_v6}.
   *
   * @throws dev.acclimate.models.InvalidInputException if the directory is missing or holds none
   */
  static List<String> domains(Path directory) {
    List<String> versions =
        Folder.files(directory).stream()
            .filter(name -> name.startsWith("cifar10.1_") && name.endsWith(DATA))
            .map(name -> name.substring(0, name.length() - DATA.length()))
            .toList();
    return OwnDomains.some(versions, directory, "a file such as cifar10.1_v6_data.npy");
  }

  /**
   * Maps the images of a version.
   *
   * @throws dev.acclimate.models.InvalidInputException if there is no such version, or a file is
   *     malformed
   */
  static ImageSet read(Path directory, String version) {
    OwnDomains.requireKnown(version, domains(directory));
    return NpyFile.set(
        version,
        directory.resolve(version + DATA),
        directory.resolve(version + "_labels.npy"),
        CifarVersion.CIFAR10.classes());
  }
}
