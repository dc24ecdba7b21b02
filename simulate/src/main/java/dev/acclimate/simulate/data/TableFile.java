package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A file of rows under named columns. */
abstract class TableFile {

  /**
   * A column of a file.
   *
   * @param name empty where the file gives it none
   * @param numeric whether its cells are numbers
   */
  record Heading(String name, boolean numeric) {}

  private final Path path;
  private @Nullable List<Heading> headings;

  TableFile(Path path) {
    this.path = path;
  }

  /** The file. */
  final Path path() {
    return path;
  }

  /** What a row is called in messages, before its number. */
  abstract String row();

  /**
   * The file's columns in order; no name comes twice.
   *
   * @throws InvalidInputException if the file is missing or malformed
   */
  final List<Heading> headings() {
    List<Heading> known = headings;
    if (known == null) {
      known = distinct(readHeadings());
      headings = known;
    }
    return known;
  }

  /** The file's columns in order. */
  abstract List<Heading> readHeadings();

  /**
   * Appends each row's cells, from the first row to the last.
   *
   * @param columns each takes the cells under its name
   * @throws InvalidInputException if a column is missing, or a cell is not what its column takes
   */
  abstract void read(List<? extends TableColumn> columns);

  /**
   * The place of a column.
   *
   * @throws InvalidInputException if there is none of that name
   */
  final int indexOf(String name) {
    List<String> names = headings().stream().map(Heading::name).toList();
    int index = names.indexOf(name);
    if (index < 0) {
      throw new InvalidInputException(
          "%s: expected a column \"%s\", found %s".formatted(path, name, names));
    }
    return index;
  }

  private List<Heading> distinct(List<Heading> headings) {
    Set<String> seen = new HashSet<>();
    for (Heading heading : headings) {
      if (!heading.name().isEmpty() && !seen.add(heading.name())) {
        throw new InvalidInputException(
            "%s: expected each column once, found \"%s\" again".formatted(path, heading.name()));
      }
    }
    return headings;
  }

  /** What to throw where a cell is not what its column takes. */
  final InvalidInputException wrong(long row, String column, String expected, String found) {
    return new InvalidInputException(
        "%s: %s %d: %s: expected %s, found %s"
            .formatted(path, row(), row, column, expected, found));
  }
}
