package dev.acclimate.agent;

import dev.acclimate.simulate.SimulationProgress;
import java.io.PrintWriter;

/** A line on the terminal that tells how far work has come; silent where no one watches. */
final class ProgressBar implements SimulationProgress, AutoCloseable {
  private static final int WIDTH = 30;
  private static final long REDRAW_NANOS = 100_000_000;

  private final PrintWriter out;
  private final boolean watched;
  private final long start = System.nanoTime();
  private long drawn;
  private int length;

  private ProgressBar(PrintWriter out, boolean watched) {
    this.out = out;
    this.watched = watched;
  }

  static ProgressBar on(PrintWriter out) {
    return new ProgressBar(out, Terminal.isWatched());
  }

  @Override
  public void update(String task, long done, long total) {
    long now = System.nanoTime();
    if (!watched || (done < total && now - drawn < REDRAW_NANOS)) {
      return;
    }
    drawn = now;
    int full = (int) (WIDTH * done / Math.max(total, 1));
    double seconds = (now - start) / 1e9;
    String line =
        "%s%s %d/%d %s, %.0f s"
            .formatted("#".repeat(full), ".".repeat(WIDTH - full), done, total, task, seconds);
    out.print("\r" + line + " ".repeat(Math.max(0, length - line.length())));
    out.flush();
    length = line.length();
  }

  /** Takes the line away. */
  @Override
  public void close() {
    if (watched && length > 0) {
      out.print("\r" + " ".repeat(length) + "\r");
      out.flush();
    }
  }
}
