package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Looks into folders. */
final class Folder {

  private Folder() {}

  /**
   * Names of a folder's entries in alphabetical order, as Python sorts them; without hidden ones.
   *
   * @throws InvalidInputException if there is no such folder or it cannot be read
   */
  static List<String> names(Path folder, Predicate<Path> wanted) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("data: no such directory: " + folder);
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(wanted)
          .map(entry -> String.valueOf(entry.getFileName()))
          .filter(name -> !name.startsWith("."))
          .sorted()
          .toList();
    } catch (IOException | UncheckedIOException e) {
      throw new InvalidInputException(folder + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
