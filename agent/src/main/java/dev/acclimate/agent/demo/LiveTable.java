package dev.acclimate.agent.demo;

import dev.acclimate.simulate.Segment;
import dev.acclimate.simulate.TextTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * The domains as they are answered, a row each: printed once all methods are through, and redrawn
 * in place until then where someone watches.
 */
public final class LiveTable {
  private static final long REDRAW_NANOS = 100_000_000;

  private final PrintWriter out;
  private final boolean watched;
  private final List<String> header;
  private final int[] widths;
  private int row;
  private long rowStart;
  private long drawn;
  private int length;

  /**
   * A table that is not yet begun.
   *
   * @param watched whether rows may be redrawn
   * @param labels of the methods
   */
  public LiveTable(PrintWriter out, boolean watched, List<String> labels, List<Segment> segments) {
    this.out = out;
    this.watched = watched;
    this.header = new ArrayList<>(List.of("domain", "samples"));
    header.addAll(labels);
    header.add("samples/s");
    this.widths = header.stream().mapToInt(String::length).toArray();
    for (Segment segment : segments) {
      widths[0] = Math.max(widths[0], segment.name().length());
    }
  }

  /** Prints the header and starts the clock. */
  void begin() {
    out.println(TextTable.line(header, widths));
    out.println(TextTable.rule(widths));
    out.flush();
    rowStart = System.nanoTime();
  }

  /** Shows what is new. */
  void update(Scoreboard board) {
    long now = System.nanoTime();
    while (row < board.segments().size() && board.finished(row)) {
      String line = line(board, now);
      out.println(watched ? "\r" + padded(line) : line);
      length = 0;
      row++;
      rowStart = now;
    }
    if (watched && row < board.segments().size() && now - drawn >= REDRAW_NANOS) {
      drawn = now;
      String line = line(board, now);
      out.print("\r" + padded(line));
      length = line.length();
    }
    out.flush();
  }

  /** Leaves a row that will not be finished. */
  void abandon() {
    if (length > 0) {
      out.println();
      out.flush();
    }
  }

  private String padded(String line) {
    return line + " ".repeat(Math.max(0, length - line.length()));
  }

  private String line(Scoreboard board, long now) {
    long samples = Long.MAX_VALUE;
    List<String> cells = new ArrayList<>();
    for (int m = 0; m < board.methods(); m++) {
      samples = Math.min(samples, board.done(m, row));
      cells.add(Figures.percent(board.accuracy(m, row)));
    }
    cells.add(0, board.segments().get(row).name());
    cells.add(1, Figures.count(samples));
    cells.add(Figures.count(Math.round(samples / Math.max((now - rowStart) / 1e9, 1e-3))));
    return TextTable.line(cells, widths);
  }
}
