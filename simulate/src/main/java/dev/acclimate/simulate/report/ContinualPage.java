package dev.acclimate.simulate.report;

import dev.acclimate.simulate.OutputFolder;
import dev.acclimate.simulate.continual.ContinualReport;
import dev.acclimate.simulate.continual.ContinualRun.Layers;
import dev.acclimate.simulate.continual.ContinualRun.Result;
import dev.acclimate.simulate.report.LineChart.Axis;
import dev.acclimate.simulate.report.LineChart.Line;
import dev.acclimate.simulate.report.LineChart.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

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
    table();
    page.close();
    page.open("section").element("h2", "Task by task");
    MethodKey.legend(page, keys);
    if (report.scenario().forgetsByDesign()) {
      chart("Accuracy on the newest task", "accuracy, %", 100, this::newest);
    } else {
      chart("Mean accuracy on the tasks so far", "accuracy, %", 100, this::soFar);
      chart("Accuracy on the newest task", "accuracy, %", 100, this::newest);
    }
    chart(
        "Norm of all hidden weights, the first task's end being 100",
        "norm, %",
        Double.NaN,
        result -> relative(result, Layers::hiddenNorm));
    chart(
        "Effective learning rate of hidden layers, the first task's end being 100",
        "rate, %",
        Double.NaN,
        result -> relative(result, Layers::effectiveRate));
    chart(
        "Units that no test sample activates",
        "dormant, %",
        Double.NaN,
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

  /**
   * A figure over the tasks, each method's mean over seeds; up to {@code top}, or what it takes.
   */
  private void chart(String title, String axis, double top, Function<Result, double[]> curve) {
    int tasks = report.tasks().size();
    List<Line> lines = new ArrayList<>();
    double highest = 1;
    for (MethodKey key : keys) {
      List<Result> runs = report.of(key.method());
      double[] x = new double[tasks];
      double[] y = new double[tasks];
      for (Result run : runs) {
        double[] values = curve.apply(run);
        for (int task = 0; task < tasks; task++) {
          x[task] = task + 1;
          y[task] += values[task] / runs.size();
        }
      }
      for (double value : y) {
        highest = Math.max(highest, value);
      }
      lines.add(new Line(key.label(), key.style(), x, y));
    }
    int seeds = report.of(keys.get(0).method()).size();
    page.element("h3", title);
    page.element("p", seeds > 1 ? "Mean of " + seeds + " seeds." : "One seed.", "class", "note");
    page.open("div", "class", "wide drawing");
    Axis vertical =
        Double.isNaN(top) ? Axis.upTo(axis, 1.05 * highest, 5) : new Axis(axis, 0, top, 20, 1);
    new LineChart(title, SIZE, Axis.upTo("tasks", tasks, 10), vertical, List.of(), lines)
        .write(page);
    page.close();
  }
}
