package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A column of names, which recur: labels, recordings, domains. Numbers count as names too. */
final class NameColumn implements TableColumn {

  /** More than this is a mistake rather than names. */
  static final int MOST_NAMES = 100_000;

  private final String name;
  private final Map<String, Integer> codes = new HashMap<>();
  private final List<First> firsts = new ArrayList<>();
  private int[] cells = new int[1024];
  private int size;

  /**
   * A name, and where it came first.
   *
   * @param text without the blanks around it
   */
  record First(String text, TableFile file, long row) {}

  NameColumn(String name) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void add(String cell, TableFile file, long row) {
    String text = cell.strip();
    if (text.isEmpty()) {
      throw file.wrong(row, name, "a value", "none");
    }
    if (size == cells.length) {
      cells = Arrays.copyOf(cells, size + (size >> 1));
    }
    cells[size] = size > 0 && last().equals(text) ? cells[size - 1] : code(text, file, row);
    size++;
  }

  private String last() {
    return firsts.get(cells[size - 1]).text();
  }

  private int code(String text, TableFile file, long row) {
    Integer known = codes.get(text);
    if (known != null) {
      return known;
    }
    if (firsts.size() == MOST_NAMES) {
      throw file.wrong(
          row, name, "at most %,d different values".formatted(MOST_NAMES), "\"" + text + "\"");
    }
    codes.put(text, firsts.size());
    firsts.add(new First(text, file, row));
    return firsts.size() - 1;
  }

  @Override
  public void add(double cell, TableFile file, long row) {
    if (!Double.isFinite(cell)) {
      throw file.wrong(row, name, "a value", Double.toString(cell));
    }
    long whole = (long) cell;
    add(whole == cell ? Long.toString(whole) : Double.toString(cell), file, row);
  }

  @Override
  public void add(long cell, TableFile file, long row) {
    add(Long.toString(cell), file, row);
  }

  @Override
  public int size() {
    return size;
  }

  /** The place in {@link #names()} of each cell. */
  int[] cells() {
    return Arrays.copyOf(cells, size);
  }

  /** The different names in the order in which they come. */
  List<First> names() {
    return List.copyOf(firsts);
  }

  /** What to throw where a name is not one of those expected. */
  InvalidInputException wrong(First found, String expected) {
    return found.file().wrong(found.row(), name, expected, "\"" + found.text() + "\"");
  }
}
