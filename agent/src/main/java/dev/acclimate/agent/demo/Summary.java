package dev.acclimate.agent.demo;

import dev.acclimate.simulate.Segment;
import dev.acclimate.simulate.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** What the run came to, the clean segments' cost and the count of answers included. */
public final class Summary {
  private static final int FROZEN = 0;

  private final List<Entrant> entrants;
  private final Scoreboard board;
  private final List<Long> rejectedSteps;
  private final double seconds;

  Summary(List<Entrant> entrants, Scoreboard board, List<Long> rejectedSteps, double seconds) {
    this.entrants = List.copyOf(entrants);
    this.board = board;
    this.rejectedSteps = List.copyOf(rejectedSteps);
    this.seconds = seconds;
  }

  /** True when every request was answered once by every method. */
  public boolean exactlyOnce() {
    return board.exactlyOnce();
  }

  /** A method's accuracy in percent over the whole stream. */
  public double accuracy(int method) {
    return board.accuracy(method);
  }

  /** Points of accuracy that a method has over the frozen model. */
  public double gain(int method) {
    return board.accuracy(method) - board.accuracy(FROZEN);
  }

  /** A table and what it means. */
  public String text() {
    return table() + "\n" + String.join("\n", sentences()) + "\n";
  }

  private String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("whole stream", m -> entrants.get(m).label()));
    rows.add(row("accuracy %", m -> Figures.percent(accuracy(m))));
    rows.add(row("gain, points", m -> m == FROZEN ? "-" : Figures.gain(gain(m))));
    for (int s = 0; s < board.segments().size(); s++) {
      Segment segment = board.segments().get(s);
      int index = s;
      if (segment.isClean()) {
        rows.add(
            row("on " + segment.name() + " %", m -> Figures.percent(board.accuracy(m, index))));
      }
    }
    rows.add(row("answers", m -> Figures.count(board.answered(m))));
    rows.add(row("missing", m -> Figures.count(board.missing(m))));
    rows.add(row("repeated", m -> Figures.count(board.repeated(m))));
    rows.add(row("dead letters", m -> Figures.count(board.dead(m))));
    rows.add(row("rejected steps", m -> Figures.count(rejectedSteps.get(m))));
    return TextTable.of(rows);
  }

  private List<String> row(String name, IntFunction<String> cell) {
    List<String> row = new ArrayList<>(List.of(name));
    IntStream.range(0, entrants.size()).mapToObj(cell).forEach(row::add);
    return row;
  }

  private List<String> sentences() {
    List<String> sentences = new ArrayList<>();
    sentences.add(best());
    board.segments().stream()
        .filter(Segment::isClean)
        .findFirst()
        .filter(clean -> entrants.size() > 1)
        .ifPresent(clean -> sentences.add(cost(clean)));
    sentences.add(delivery());
    return sentences;
  }

  private String best() {
    int best =
        IntStream.range(1, entrants.size())
            .boxed()
            .max((a, b) -> Double.compare(accuracy(a), accuracy(b)))
            .orElse(FROZEN);
    if (best == FROZEN || !(gain(best) > 0)) {
      return "No method ends above frozen on this stream.";
    }
    return entrants.get(best).label()
        + " is best: "
        + Figures.percent(accuracy(best))
        + " % right, "
        + Figures.gain(gain(best))
        + " points against frozen.";
  }

  /** The price of adapting where there is nothing to adapt to. */
  private String cost(Segment clean) {
    int segment = board.segments().indexOf(clean);
    double frozen = board.accuracy(FROZEN, segment);
    List<String> costs = new ArrayList<>();
    for (int m = 1; m < entrants.size(); m++) {
      costs.add(entrants.get(m).label() + " " + Figures.gain(board.accuracy(m, segment) - frozen));
    }
    return "On clean data adapting has its price, in points against frozen's "
        + Figures.percent(frozen)
        + " %: "
        + String.join(", ", costs)
        + ".";
  }

  private String delivery() {
    String requests = Figures.count(board.size()) + " requests in " + Math.round(seconds) + " s: ";
    return requests
        + (exactlyOnce()
            ? "each was answered exactly once by each method."
            : "NOT each was answered exactly once by each method, see the table.");
  }
}
