package dev.acclimate.simulate.report;

import static dev.acclimate.simulate.report.Figures.place;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Lines over a common axis, as SVG. A script shows the values under the pointer; it reads them off
 * the drawing, so that they stand in the page once.
 *
 * @param title for those who do not see it
 * @param size of the drawing
 * @param x the horizontal axis
 * @param y the vertical axis
 * @param bands stretches of the horizontal axis with names; may be empty
 * @param lines at least one
 */
record LineChart(String title, Size size, Axis x, Axis y, List<Band> bands, List<Line> lines) {
  private static final double LEFT = 52;
  private static final double BOTTOM = 46;
  private static final double TOP = 14;
  private static final double CHARACTER = 6.6;
  private static final double BOLD_CHARACTER = 8;
  private static final double LABEL_HEIGHT = 15;

  /** Band names stand aslant where a band is narrower than its name. */
  private static final double SLANT = Math.toRadians(40);

  /** In units of the drawing. */
  record Size(double width, double height) {}

  /**
   * An axis.
   *
   * @param name with unit
   * @param from where it begins
   * @param to where it ends
   * @param step between ticks
   * @param decimals of values at the pointer
   */
  record Axis(String name, double from, double to, double step, int decimals) {

    /** From 0 to an end, with about so many round ticks. */
    static Axis upTo(String name, double to, int ticks) {
      double raw = Math.max(to, 1) / ticks;
      double power = Math.pow(10, Math.floor(Math.log10(raw)));
      double[] steps = {1, 2, 5, 10};
      double step = power;
      for (double one : steps) {
        step = one * power;
        if (step >= raw) {
          break;
        }
      }
      return new Axis(name, 0, Math.max(to, 1), Math.max(1, step), 0);
    }
  }

  /**
   * A stretch of the horizontal axis.
   *
   * @param broken whether everything begins anew with it
   */
  record Band(String name, double from, double to, boolean broken) {}

  /**
   * A line.
   *
   * @param label short name
   * @param style class of the style sheet
   * @param x in units of the axis
   * @param y in units of the axis
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by no one
  record Line(String label, String style, double[] x, double[] y) {}

  void write(Markup page) {
    double right =
        16
            + BOLD_CHARACTER
                * lines.stream().mapToInt(line -> line.label().length()).max().orElse(0);
    double top = TOP + bandHeight(right);
    double plotRight = size.width() - right;
    double plotBottom = size.height() - BOTTOM + top - TOP;
    double height = size.height() + top - TOP;
    page.open(
            "svg",
            "class",
            "chart",
            "viewBox",
            "0 0 " + place(size.width()) + " " + place(height),
            "role",
            "img",
            "aria-label",
            title,
            "data-plot",
            place(LEFT) + " " + place(top) + " " + place(plotRight) + " " + place(plotBottom),
            "data-x",
            x.from() + " " + x.to() + " " + x.decimals(),
            "data-y",
            y.from() + " " + y.to() + " " + y.decimals(),
            "data-x-name",
            x.name())
        .element("title", title);
    Plot plot = new Plot(LEFT, top, plotRight, plotBottom, x, y);
    bands(page, plot);
    axes(page, plot);
    for (Line line : lines) {
      page.element(
          "polyline",
          "",
          "class",
          "line " + line.style(),
          "data-label",
          line.label(),
          "points",
          points(plot, line));
    }
    labels(page, plot);
    page.open("line", "class", "pointer", "y1", place(top), "y2", place(plotBottom), "hidden", "")
        .close()
        .close();
  }

  /** Where values lie in the drawing. */
  private record Plot(double left, double top, double right, double bottom, Axis x, Axis y) {
    double x(double value) {
      return left + (value - x.from()) / (x.to() - x.from()) * (right - left);
    }

    double y(double value) {
      return bottom - (value - y.from()) / (y.to() - y.from()) * (bottom - top);
    }
  }

  private boolean slanted(double right) {
    double perUnit = (size.width() - right - LEFT) / (x.to() - x.from());
    return bands.stream()
        .anyMatch(
            band -> (band.to() - band.from()) * perUnit < 8 + CHARACTER * band.name().length());
  }

  private double bandHeight(double right) {
    if (bands.isEmpty()) {
      return 0;
    }
    int longest = bands.stream().mapToInt(band -> band.name().length()).max().orElse(0);
    return slanted(right) ? 10 + CHARACTER * longest * Math.sin(SLANT) : 18;
  }

  private void bands(Markup page, Plot plot) {
    boolean slanted = slanted(size.width() - plot.right());
    for (int i = 0; i < bands.size(); i++) {
      Band band = bands.get(i);
      double from = plot.x(band.from());
      double to = plot.x(band.to());
      page.element(
          "rect",
          "",
          "class",
          i % 2 == 0 ? "band even" : "band odd",
          "x",
          place(from),
          "y",
          place(plot.top()),
          "width",
          place(to - from),
          "height",
          place(plot.bottom() - plot.top()));
      if (band.broken() && i > 0) {
        page.element(
            "line",
            "",
            "class",
            "reset",
            "x1",
            place(from),
            "x2",
            place(from),
            "y1",
            place(plot.top()),
            "y2",
            place(plot.bottom()));
      }
      double middle = (from + to) / 2;
      String at = place(middle) + " " + place(plot.top() - 6);
      page.element(
          "text",
          band.name(),
          "class",
          slanted ? "band-name slanted" : "band-name",
          "transform",
          "translate(" + at + ")" + (slanted ? " rotate(-40)" : ""));
    }
  }

  private void axes(Markup page, Plot plot) {
    for (double value = y.from(); value <= y.to() + 1e-9; value += y.step()) {
      double at = plot.y(value);
      page.element(
          "line",
          "",
          "class",
          "grid",
          "x1",
          place(plot.left()),
          "x2",
          place(plot.right()),
          "y1",
          place(at),
          "y2",
          place(at));
      page.element(
          "text",
          Figures.decimal(value, decimals(y.step())),
          "class",
          "tick y",
          "x",
          place(plot.left() - 7),
          "y",
          place(at + 4));
    }
    for (double value = x.from(); value <= x.to() + 1e-9; value += x.step()) {
      double at = plot.x(value);
      page.element(
          "line",
          "",
          "class",
          "grid",
          "x1",
          place(at),
          "x2",
          place(at),
          "y1",
          place(plot.bottom()),
          "y2",
          place(plot.bottom() + 4));
      String text =
          x.step() < 1 ? Figures.decimal(value, decimals(x.step())) : Figures.whole(value);
      page.element("text", text, "class", "tick x", "x", place(at), "y", place(plot.bottom() + 17));
    }
    page.element(
        "text",
        x.name(),
        "class",
        "axis-name",
        "x",
        place((plot.left() + plot.right()) / 2),
        "y",
        place(plot.bottom() + 36));
    String middle = place((plot.top() + plot.bottom()) / 2);
    page.element(
        "text",
        y.name(),
        "class",
        "axis-name",
        "transform",
        "translate(14 " + middle + ") rotate(-90)");
  }

  private static int decimals(double step) {
    return step >= 1 ? 0 : 1;
  }

  private static String points(Plot plot, Line line) {
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < line.x().length; i++) {
      if (!Double.isNaN(line.y()[i])) {
        points.append(points.length() == 0 ? "" : " ");
        points.append(place(plot.x(line.x()[i]))).append(',').append(place(plot.y(line.y()[i])));
      }
    }
    return points.toString();
  }

  /** Each line's name beside its end; names that would lie upon one another move apart. */
  private void labels(Markup page, Plot plot) {
    record Label(Line line, double end) {}
    List<Label> labels = new ArrayList<>();
    for (Line line : lines) {
      for (int i = line.y().length - 1; i >= 0; i--) {
        if (!Double.isNaN(line.y()[i])) {
          labels.add(new Label(line, plot.y(line.y()[i])));
          break;
        }
      }
    }
    labels.sort(Comparator.comparingDouble(Label::end));
    double[] at = new double[labels.size()];
    for (int i = 0; i < at.length; i++) {
      at[i] = i == 0 ? labels.get(0).end : Math.max(labels.get(i).end, at[i - 1] + LABEL_HEIGHT);
    }
    double lowest = plot.bottom() - 2;
    for (int i = at.length - 1; i >= 0; i--) {
      at[i] = Math.min(at[i], lowest);
      lowest = at[i] - LABEL_HEIGHT;
    }
    for (int i = 0; i < at.length; i++) {
      Line line = labels.get(i).line;
      page.element(
          "text",
          line.label(),
          "class",
          "label " + line.style(),
          "x",
          place(plot.right() + 8),
          "y",
          place(at[i] + 4));
    }
  }
}
