package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A file of rows under named columns. */
interface TableFile {

  /**
   * A column of a file.
   *
   * @param name empty where the file gives it none
   * @param numeric whether its cells are numbers
   */
  record Heading(String name, boolean numeric) {}

  /** The file. */
  Path path();

  /** What a row is called in messages, before its number. */
  String row();

  /**
   * The file's columns in order; no name comes twice.
   *
   * @throws InvalidInputException if the file is missing or malformed
   */
  List<Heading> headings();

  /**
   * Appends each row's cells, from the first row to the last.
   *
   * @param columns each takes the cells under its name
   * @throws InvalidInputException if a column is missing, or a cell is not what its column takes
   */
  void read(List<? extends TableColumn> columns);

  /**
   * The place of a column.
   *
   * @throws InvalidInputException if there is none of that name
   */
  default int indexOf(String name) {
    List<String> names = headings().stream().map(Heading::name).toList();
    int index = names.indexOf(name);
    if (index < 0) {
      throw new InvalidInputException(
          "%s: expected a column \"%s\", found %s".formatted(path(), name, names));
    }
    return index;
  }

  /**
   * Gives {@code headings} back.
   *
   * @throws InvalidInputException if two have the same name
   */
  default List<Heading> distinct(List<Heading> headings) {
    Set<String> seen = new HashSet<>();
    for (Heading heading : headings) {
      if (!heading.name().isEmpty() && !seen.add(heading.name())) {
        throw new InvalidInputException(
            "%s: expected each column once, found \"%s\" again".formatted(path(), heading.name()));
      }
    }
    return headings;
  }

  /** What to throw where a cell is not what its column takes. */
  default InvalidInputException wrong(long row, String column, String expected, String found) {
    return new InvalidInputException(
        "%s: %s %d: %s: expected %s, found %s"
            .formatted(path(), row(), row, column, expected, found));
  }
}
