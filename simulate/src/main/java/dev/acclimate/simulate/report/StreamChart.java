package dev.acclimate.simulate.report;

import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.StreamLog;
import dev.acclimate.simulate.StreamMetrics;
import dev.acclimate.simulate.Trial;
import dev.acclimate.simulate.report.LineChart.Axis;
import dev.acclimate.simulate.report.LineChart.Band;
import dev.acclimate.simulate.report.LineChart.Line;
import dev.acclimate.simulate.report.LineChart.Size;
import java.util.ArrayList;
import java.util.List;

/** The accuracy of the last samples, all along the stream. */
final class StreamChart {
  private static final Size SIZE = new Size(1120, 360);

  private final Setting setting;
  private final List<MethodKey> keys;

  StreamChart(Setting setting, List<MethodKey> keys) {
    this.setting = setting;
    this.keys = keys;
  }

  void write(Markup page) {
    StreamLog log = setting.trials().get(0).log();
    List<Line> lines = new ArrayList<>();
    // the frozen model is what all others are read against, also where it was not asked for
    if (keys.stream().noneMatch(key -> key.method().equals("source"))) {
      lines.add(
          line(
              "source",
              "c0",
              trial ->
                  StreamMetrics.of(
                      trial.log(), trial.frozen().answers(), trial.frozen().answers())));
    }
    for (int m = 0; m < keys.size(); m++) {
      int method = m;
      lines.add(
          line(
              keys.get(m).label(),
              keys.get(m).style(),
              trial -> setting.metrics().get(setting.trials().indexOf(trial)).get(method)));
    }
    double lowest = 1;
    for (Line line : lines) {
      for (double value : line.y()) {
        lowest = Math.min(lowest, value / 100);
      }
    }
    double from = 10 * Math.floor(10 * lowest);
    List<Band> bands = new ArrayList<>();
    for (StreamLog.Stretch stretch : log.stretches()) {
      if (stretch.to() > stretch.from()) {
        bands.add(new Band(stretch.name(), stretch.from(), stretch.to(), stretch.resetBefore()));
      }
    }
    String title = "accuracy over the stream, " + setting.name();
    int seeds = setting.trials().size();
    int window = setting.metrics().get(0).get(0).curveWindow();
    page.open("p", "class", "note")
        .text("Right answers among the last " + Figures.whole(window) + " samples")
        .text(seeds > 1 ? ", mean of " + seeds + " seeds" : "")
        .text(
            bands.stream().skip(1).anyMatch(Band::broken)
                ? "; the state is reset where a line stands between domains."
                : ".")
        .close();
    MethodKey.legend(page, keys);
    page.open("div", "class", "wide drawing");
    new LineChart(
            title,
            SIZE,
            Axis.upTo("samples", log.size(), 10),
            new Axis("accuracy, %", from, 100, from < 50 ? 20 : 10, 1),
            bands,
            lines)
        .write(page);
    page.close();
  }

  private interface Measure {
    StreamMetrics of(Trial trial);
  }

  private Line line(String label, String style, Measure measure) {
    List<StreamMetrics> metrics = setting.trials().stream().map(measure::of).toList();
    int points = metrics.stream().mapToInt(one -> one.curve().size()).min().orElse(0);
    double[] x = new double[points];
    double[] y = new double[points];
    for (int i = 0; i < points; i++) {
      x[i] = (i + 1.0) * metrics.get(0).curveStep();
      for (StreamMetrics one : metrics) {
        y[i] += 100 * (1 - one.curve().get(i)) / metrics.size();
      }
    }
    return new Line(label, style, x, y);
  }
}
