package dev.acclimate.simulate;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Rows of text in columns that line up: the first to the left, the others to the right. */
public final class TextTable {
  private static final String GAP = "  ";

  private TextTable() {}

  /** The table; the first row is its header. All rows have the same number of cells. */
  public static String of(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    StringBuilder table = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      table.append(line(rows.get(r), widths)).append('\n');
      if (r == 0) {
        table.append(rule(widths)).append('\n');
      }
    }
    return table.toString();
  }

  /** One row on its own, for tables that grow as they are watched. */
  public static String line(List<String> row, int... widths) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < row.size(); c++) {
      String padding = " ".repeat(Math.max(0, widths[c] - row.get(c).length()));
      line.append(c == 0 ? row.get(c) + padding : GAP + padding + row.get(c));
    }
    return line.toString().stripTrailing();
  }

  /** The line under a header. */
  public static String rule(int... widths) {
    return Arrays.stream(widths).mapToObj("-"::repeat).collect(Collectors.joining(GAP));
  }
}
