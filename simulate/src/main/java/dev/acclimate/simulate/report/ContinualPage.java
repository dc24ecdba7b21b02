package dev.acclimate.simulate.report;

import dev.acclimate.simulate.OutputFolder;
import dev.acclimate.simulate.continual.ContinualReport;
import dev.acclimate.simulate.continual.ContinualRun.Layers;
import dev.acclimate.simulate.continual.ContinualRun.Result;
import dev.acclimate.simulate.report.LineChart.Axis;
import dev.acclimate.simulate.report.LineChart.Line;
import dev.acclimate.simulate.report.LineChart.Size;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** What learning task after task came to, as one page like {@link HtmlReport}. */
public final class ContinualPage {
  private static final Size SIZE = new Size(1120, 320);

  private final ContinualReport report;
  private final List<MethodKey> keys;
  private final Markup page = new Markup();

  private ContinualPage(ContinualReport report) {
    this.report = report;
    this.keys = MethodKey.of(report.methods());
  }

  /** The page. */
  public static String of(ContinualReport report) {
    ContinualPage page = new ContinualPage(report);
    page.write();
    return page.page.toString();
  }

  /**
   * Writes {@code report.html}.
   *
   * @throws dev.acclimate.models.InvalidInputException when the folder cannot be written to
   */
  public static void write(ContinualReport report, OutputFolder folder) {
    folder.write("report.html", of(report));
  }

  private void write() {
    PageAssets assets = PageAssets.load();
    HtmlReport.open(page, assets, "Acclimate: learning task after task");
    page.open("header");
    page.element("p", "Acclimate: learning from labels", "class", "brand");
    page.element("h1", report.tasks().size() + " tasks, " + report.scenario());
    page.close();
    page.open("section").element("h2", "Figures");
    page.element("p", report.note(), "class", "note");
    table();
    page.close();
    page.open("section").element("h2", "Task by task");
    MethodKey.legend(page, keys);
    int seeds = report.seeds();
    page.element("p", seeds > 1 ? "Means of " + seeds + " seeds." : "One seed.", "class", "note");
    if (!report.scenario().forgetsByDesign()) {
      chart("Mean accuracy on the tasks so far", "accuracy, %", this::soFar);
    }
    chart("Accuracy on the newest task", "accuracy, %", this::newest);
    chart(
        "Norm of all hidden weights, the first task's end being 100",
        "norm, %",
        result -> relative(result, Layers::hiddenNorm));
    chart(
        "Effective learning rate of hidden layers, the first task's end being 100",
        "rate, %",
        result -> relative(result, Layers::effectiveRate));
    chart(
        "Units that no test sample activates",
        "dormant, %",
        result -> result.layers().stream().mapToDouble(layers -> 100 * layers.dormant()).toArray());
    page.close();
    page.open("section").element("h2", "To repeat this").open("dl", "class", "provenance");
    report
        .provenance()
        .forEach((name, value) -> page.element("dt", name.replace('_', ' ')).element("dd", value));
    page.close().close();
    HtmlReport.close(page, assets);
  }

  private void table() {
    page.open("div", "class", "wide").open("table");
    List<List<String>> rows = report.table();
    page.open("thead").open("tr");
    rows.get(0).forEach(cell -> page.element("th", cell, "scope", "col"));
    page.close().close().open("tbody");
    for (int row = 1; row < rows.size(); row++) {
      page.open("tr").open("th", "scope", "row");
      keys.get(row - 1).write(page);
      page.close();
      rows.get(row).stream().skip(1).forEach(cell -> page.element("td", cell));
      page.close();
    }
    page.close().close().close();
  }

  private double[] newest(Result result) {
    double[] curve = new double[report.tasks().size()];
    for (int task = 0; task < curve.length; task++) {
      curve[task] = 100 * result.accuracies().after()[task][task];
    }
    return curve;
  }

  private double[] soFar(Result result) {
    double[] curve = result.accuracies().averageSoFar();
    for (int task = 0; task < curve.length; task++) {
      curve[task] *= 100;
    }
    return curve;
  }

  private static double[] relative(Result result, ToDoubleFunction<Layers> figure) {
    double[] curve = result.layers().stream().mapToDouble(figure).toArray();
    double first = curve[0] == 0 ? 1 : curve[0];
    for (int task = 0; task < curve.length; task++) {
      curve[task] *= 100 / first;
    }
    return curve;
  }

  /** A figure over the tasks, each method's mean over seeds. */
  private void chart(String title, String axis, Function<Result, double[]> curve) {
    List<Line> lines = keys.stream().map(key -> line(key, curve)).toList();
    double highest =
        lines.stream().flatMapToDouble(line -> Arrays.stream(line.y())).max().orElse(0);
    page.element("h3", title);
    if (highest == 0) {
      page.element("p", "0 % after every task.");
      return;
    }
    page.open("div", "class", "wide drawing");
    new LineChart(
            title,
            SIZE,
            Axis.upTo("tasks", report.tasks().size(), 10),
            roundedUp(Axis.upTo(axis, highest, 5)),
            List.of(),
            lines)
        .write(page);
    page.close();
  }

  private Line line(MethodKey key, Function<Result, double[]> curve) {
    int tasks = report.tasks().size();
    List<Result> runs = report.of(key.method());
    double[] y = new double[tasks];
    for (Result run : runs) {
      double[] values = curve.apply(run);
      for (int task = 0; task < tasks; task++) {
        y[task] += values[task] / runs.size();
      }
    }
    double[] x = IntStream.rangeClosed(1, tasks).asDoubleStream().toArray();
    return new Line(key.label(), key.style(), x, y);
  }

  /** The axis up to its next tick. */
  private static Axis roundedUp(Axis axis) {
    double to = axis.step() * Math.ceil(axis.to() / axis.step());
    return new Axis(axis.name(), axis.from(), to, axis.step(), 1);
  }
}
