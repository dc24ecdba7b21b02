package dev.acclimate.simulate.report;

import dev.acclimate.simulate.AnswerLog;
import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.StreamLog;
import dev.acclimate.simulate.Trial;
import dev.acclimate.simulate.report.LineChart.Axis;
import dev.acclimate.simulate.report.LineChart.Line;
import dev.acclimate.simulate.report.LineChart.Size;
import java.util.ArrayList;
import java.util.List;

/** How often a method is right when it is so sure. */
final class ReliabilityChart {
  private static final Size SIZE = new Size(560, 400);
  private static final int BINS = 10;

  /** Bins of fewer samples say too little to be drawn. */
  private static final int FEWEST = 20;

  private final Setting setting;
  private final List<MethodKey> keys;

  ReliabilityChart(Setting setting, List<MethodKey> keys) {
    this.setting = setting;
    this.keys = keys;
  }

  void write(Markup page) {
    List<Line> lines = new ArrayList<>();
    lines.add(new Line("", "ideal", new double[] {0, 100}, new double[] {0, 100}));
    for (int m = 0; m < keys.size(); m++) {
      lines.add(line(m));
    }
    page.open("div", "class", "wide drawing square");
    new LineChart(
            "accuracy by confidence, " + setting.name(),
            SIZE,
            new Axis("confidence, %", 0, 100, 20, 0),
            new Axis("accuracy, %", 0, 100, 20, 1),
            List.of(),
            lines)
        .write(page);
    page.close();
  }

  private Line line(int method) {
    int[] samples = new int[BINS];
    int[] right = new int[BINS];
    double[] confidence = new double[BINS];
    for (Trial trial : setting.trials()) {
      StreamLog log = trial.log();
      AnswerLog answers = trial.runs().get(method).answers();
      for (int i = 0; i < log.size(); i++) {
        int bin = Math.min(BINS - 1, (int) (answers.confidence(i) * BINS));
        samples[bin]++;
        confidence[bin] += answers.confidence(i);
        right[bin] += answers.answer(i) == log.label(i) ? 1 : 0;
      }
    }
    double[] x = new double[BINS];
    double[] y = new double[BINS];
    for (int b = 0; b < BINS; b++) {
      x[b] = 100 * confidence[b] / samples[b];
      y[b] = samples[b] < FEWEST ? Double.NaN : 100.0 * right[b] / samples[b];
    }
    return new Line(keys.get(method).label(), keys.get(method).style(), x, y);
  }
}
