package dev.acclimate.simulate.data;

/** Takes the cells of one column, from the first row of the first file on. */
interface TableColumn {

  /** The column's name. */
  String name();

  /**
   * Takes the next cell.
   *
   * @param file what the cell is of, and {@code row} where
   * @throws dev.acclimate.models.InvalidInputException if the cell is not what this column takes
   */
  void add(String cell, TableFile file, long row);

  /** Likewise, a number. */
  void add(double cell, TableFile file, long row);

  /** Likewise, an integer. */
  default void add(long cell, TableFile file, long row) {
    add((double) cell, file, row);
  }

  /** How many cells there are. */
  int size();
}
