package dev.acclimate.simulate.data;

import java.util.ArrayList;
import java.util.List;

/** A column of finite numbers as float32. Safe to read from many threads once it is filled. */
final class NumberColumn implements TableColumn {

  /** Numbers lie in pieces of this many: growing copies none. */
  private static final int PIECE = 1 << 14;

  private final String name;
  private final List<float[]> pieces = new ArrayList<>();
  private int size;

  NumberColumn(String name) {
    this.name = name;
  }

  /** Whether a cell is a number, or stands for one that is missing. */
  static boolean numeric(String cell) {
    String text = cell.strip();
    return text.isEmpty() || text.equalsIgnoreCase("nan") || !Float.isNaN(parse(text));
  }

  /** The number in a cell, NaN where there is none. */
  private static float parse(String cell) {
    if (cell.isEmpty()) {
      return Float.NaN;
    }
    char last = cell.charAt(cell.length() - 1);
    // what Java takes and no table means: 1f, 2d, 0x1p3
    if ((Character.isDigit(last) || last == '.')
        && cell.indexOf('x') < 0
        && cell.indexOf('X') < 0) {
      try {
        return Float.parseFloat(cell);
      } catch (NumberFormatException e) {
        return Float.NaN;
      }
    }
    return Float.NaN;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void add(String cell, TableFile file, long row) {
    float number = parse(cell.strip());
    if (!Float.isFinite(number)) {
      throw file.wrong(row, name, "a finite number", "\"" + cell + "\"");
    }
    append(number);
  }

  @Override
  public void add(double cell, TableFile file, long row) {
    float number = (float) cell;
    if (!Float.isFinite(number)) {
      throw file.wrong(row, name, "a finite number", Double.toString(cell));
    }
    append(number);
  }

  private void append(float number) {
    if (size % PIECE == 0) {
      pieces.add(new float[PIECE]);
    }
    pieces.get(size / PIECE)[size % PIECE] = number;
    size++;
  }

  @Override
  public int size() {
    return size;
  }

  /** Copies numbers {@code from} to {@code from + count - 1} into {@code to}. */
  void copy(int from, int count, float[] to, int at) {
    for (int done = 0; done < count; ) {
      int start = from + done;
      int part = Math.min(count - done, PIECE - start % PIECE);
      System.arraycopy(pieces.get(start / PIECE), start % PIECE, to, at + done, part);
      done += part;
    }
  }

  /** The same numbers in another order: number {@code order[0]} first. */
  NumberColumn inOrder(int[] order) {
    NumberColumn ordered = new NumberColumn(name);
    for (int index : order) {
      ordered.append(pieces.get(index / PIECE)[index % PIECE]);
    }
    return ordered;
  }
}
