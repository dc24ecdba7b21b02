package dev.acclimate.simulate.report;

import dev.acclimate.simulate.MethodRun;
import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.StreamMetrics;
import dev.acclimate.simulate.Verdict;
import dev.acclimate.simulate.Verdict.Candidate;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** What else is to be known of each method in one setting. */
final class BehaviourTable {
  private final Setting setting;
  private final Verdict verdict;
  private final List<MethodKey> keys;

  BehaviourTable(Setting setting, Verdict verdict, List<MethodKey> keys) {
    this.setting = setting;
    this.verdict = verdict;
    this.keys = keys;
  }

  /** A column: its head, what it says, and a method's figure. */
  private record Column(String head, String meaning, IntFunction<Cell> cell) {}

  private record Cell(String text, double value) {}

  void write(Markup page) {
    List<Column> columns = columns();
    page.open("div", "class", "wide", "tabindex", "0", "role", "region", "aria-label", "behaviour")
        .open("table", "class", "sortable")
        .open("thead")
        .open("tr")
        .element("th", "method", "scope", "col");
    columns.forEach(
        column -> page.element("th", column.head, "scope", "col", "title", column.meaning));
    page.close().close().open("tbody");
    for (int m = 0; m < keys.size(); m++) {
      page.open("tr").open("th", "scope", "row");
      keys.get(m).write(page);
      page.close();
      for (Column column : columns) {
        Cell cell = column.cell.apply(m);
        if (Double.isNaN(cell.value)) {
          page.element("td", cell.text); // sorted behind all numbers
        } else {
          page.element("td", cell.text, "data-sort", Double.toString(cell.value));
        }
      }
      page.close();
    }
    page.close().close().close();
    page.open("details").element("summary", "What the columns say");
    page.open("dl", "class", "meanings");
    columns.forEach(column -> page.element("dt", column.head).element("dd", column.meaning));
    page.close().close();
  }

  private List<Column> columns() {
    int window = setting.metrics().get(0).get(0).window();
    return List.of(
        new Column(
            "gain",
            "points fewer errors than frozen over the stream, with a 95 % interval (from blocks"
                + " of samples, widened for the number of methods)",
            m -> candidate(m).map(BehaviourTable::gain).orElse(new Cell(Figures.NONE, 0))),
        new Column(
            "worst window",
            "error rate in % of the worst " + window + " samples in a row",
            m -> percent(m, metrics -> metrics.worst().rate())),
        new Column(
            "risk",
            "points more errors than frozen in the " + window + " samples where it is worst",
            m ->
                candidate(m)
                    .map(one -> new Cell(Figures.points(one.risk()), one.risk()))
                    .orElse(new Cell(Figures.NONE, 0))),
        new Column(
            "recovery",
            "samples after a change of domain until the error rate comes within 5 points of its later"
                + " one",
            m -> {
              double value = mean(m, StreamMetrics::recovery);
              return new Cell(Figures.whole(value), value);
            }),
        new Column(
            "forgetting",
            "points more errors when a domain comes back than when it first came",
            m -> {
              double value = mean(m, StreamMetrics::forgetting);
              return new Cell(Figures.points(value), value);
            }),
        new Column(
            "ECE",
            "expected calibration error in %: how far confidence lies from accuracy, over 15 bins",
            m -> percent(m, StreamMetrics::calibrationError)),
        new Column(
            "entropy",
            "of the predictions, in nats",
            m -> {
              double value = mean(m, StreamMetrics::entropy);
              return new Cell(Figures.decimal(value, 2), value);
            }),
        new Column(
            "differs",
            "answers in % other than the frozen model's",
            m -> percent(m, StreamMetrics::disagreement)),
        new Column(
            "rejected",
            "batches that were answered with the source statistics since the adapted ones were not"
                + " finite",
            m -> {
              long steps = runs(m).mapToLong(MethodRun::rejectedSteps).sum();
              return new Cell(Figures.whole((double) steps), (double) steps);
            }),
        new Column(
            "state",
            "memory that a stream's state takes",
            m -> {
              long bytes = runs(m).mapToLong(MethodRun::stateBytes).max().orElse(0);
              return new Cell(Figures.bytes(bytes), bytes);
            }),
        new Column(
            "samples/s",
            "through the model on one thread, other methods at work beside it",
            m -> {
              double rate = setting.samplesPerSecond(m);
              return new Cell(Figures.whole(rate), rate);
            }));
  }

  private Stream<MethodRun> runs(int method) {
    return setting.trials().stream().map(trial -> trial.runs().get(method));
  }

  private Optional<Candidate> candidate(int method) {
    String name = keys.get(method).method();
    return verdict.candidates().stream().filter(one -> one.method().equals(name)).findFirst();
  }

  private static Cell gain(Candidate one) {
    String text =
        "%s (%s to %s)"
            .formatted(
                Figures.points(one.gain()), Figures.points(one.low()), Figures.points(one.high()));
    return new Cell(text, one.gain());
  }

  private double mean(int method, ToDoubleFunction<StreamMetrics> figure) {
    return setting.spread(method, figure).mean();
  }

  private Cell percent(int method, ToDoubleFunction<StreamMetrics> figure) {
    double value = mean(method, figure);
    return new Cell(Figures.percent(value), value);
  }
}
