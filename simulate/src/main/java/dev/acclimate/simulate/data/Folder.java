package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Looks into folders. Hidden entries are left out. */
final class Folder {

  private Folder() {}

  /** What folders that hold a part of a set are called. */
  static List<String> names(Split split) {
    return split == Split.TRAIN ? List.of("train") : List.of("test", "val", "validation");
  }

  /**
   * Names of a folder's files in alphabetical order, as Python sorts them.
   *
   * @throws InvalidInputException if there is no such folder or it cannot be read
   */
  static List<String> files(Path folder) {
    return names(folder, Files::isRegularFile);
  }

  /**
   * Names of a folder's folders, likewise.
   *
   * @throws InvalidInputException if there is no such folder or it cannot be read
   */
  static List<String> folders(Path folder) {
    return names(folder, Files::isDirectory);
  }

  /**
   * Whether the folder exists and has an entry with such a name.
   *
   * @throws InvalidInputException if it cannot be read
   */
  static boolean any(Path folder, Predicate<String> wanted) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(Folder::name).filter(Folder::shown).anyMatch(wanted);
    } catch (IOException | UncheckedIOException e) {
      throw unreadable(folder, e);
    }
  }

  private static List<String> names(Path folder, Predicate<Path> wanted) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("data: no such directory: " + folder);
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(wanted).map(Folder::name).filter(Folder::shown).sorted().toList();
    } catch (IOException | UncheckedIOException e) {
      throw unreadable(folder, e);
    }
  }

  private static String name(Path entry) {
    return String.valueOf(entry.getFileName());
  }

  private static boolean shown(String name) {
    return !name.startsWith(".");
  }

  private static InvalidInputException unreadable(Path folder, Exception e) {
    return new InvalidInputException(folder + ": cannot be read: " + e.getMessage(), e);
  }
}
