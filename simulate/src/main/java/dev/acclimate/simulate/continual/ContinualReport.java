package dev.acclimate.simulate.continual;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.simulate.OutputFolder;
import dev.acclimate.simulate.Spread;
import dev.acclimate.simulate.TextTable;
import dev.acclimate.simulate.continual.ContinualRun.Layers;
import dev.acclimate.simulate.continual.ContinualRun.Result;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/** What learning task after task came to, method by method. */
public final class ContinualReport {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ContinualScenario scenario;
  private final List<String> tasks;
  private final Map<String, String> provenance;
  private final List<Result> results;

  /**
   * A report.
   *
   * @param tasks their names
   * @param provenance what else the result depends on
   * @param results methods by seeds
   */
  public ContinualReport(
      ContinualScenario scenario,
      List<String> tasks,
      Map<String, String> provenance,
      List<Result> results) {
    this.scenario = scenario;
    this.tasks = List.copyOf(tasks);
    this.provenance = new TreeMap<>(provenance);
    this.results = List.copyOf(results);
  }

  /** How tasks differ. */
  public ContinualScenario scenario() {
    return scenario;
  }

  /** The tasks' names. */
  public List<String> tasks() {
    return tasks;
  }

  /** What else the result depends on. */
  public Map<String, String> provenance() {
    return provenance;
  }

  /** The methods, in their order. */
  public List<String> methods() {
    return results.stream().map(Result::method).distinct().toList();
  }

  /** A method's results, seed by seed. */
  public List<Result> of(String method) {
    return results.stream().filter(result -> result.method().equals(method)).toList();
  }

  /** Accuracy on the newest tasks: those of a stretch of the stream, as fractions of it. */
  private static double newest(AccuracyMatrix matrix, double from, double to) {
    int first = (int) (from * matrix.tasks());
    int last = Math.max(first + 1, (int) (to * matrix.tasks()));
    double sum = 0;
    for (int task = first; task < last; task++) {
      sum += matrix.after()[task][task];
    }
    return sum / (last - first);
  }

  private Map<String, ToDoubleFunction<Result>> figures() {
    Map<String, ToDoubleFunction<Result>> figures = new LinkedHashMap<>();
    if (scenario.forgetsByDesign()) {
      figures.put("newest task", r -> r.accuracies().newest());
      figures.put("first fifth", r -> newest(r.accuracies(), 0, 0.2));
      figures.put("last fifth", r -> newest(r.accuracies(), 0.8, 1));
    } else {
      figures.put("average", r -> r.accuracies().average());
      figures.put("newest task", r -> r.accuracies().newest());
      figures.put("forgetting", r -> r.accuracies().forgetting());
      figures.put("backward", r -> r.accuracies().backwardTransfer());
      figures.put("forward", r -> r.accuracies().forwardTransfer());
    }
    figures.put("dormant", r -> r.layers().get(r.layers().size() - 1).dormant());
    return figures;
  }

  /** Rows of figures in percent, one a method, below a row of headings. */
  public List<List<String>> table() {
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("method"));
    header.addAll(figures().keySet());
    header.add("weights");
    header.add("rejected");
    rows.add(header);
    for (String method : methods()) {
      List<Result> runs = of(method);
      List<String> row = new ArrayList<>(List.of(method));
      for (ToDoubleFunction<Result> figure : figures().values()) {
        row.add(percent(Spread.of(runs.stream().mapToDouble(figure).toArray()), runs.size()));
      }
      double growth = runs.stream().mapToDouble(ContinualReport::growth).average().orElseThrow();
      row.add(String.format(Locale.ROOT, "x %.2f", growth));
      row.add(Long.toString(runs.stream().mapToLong(Result::rejected).sum()));
      rows.add(row);
    }
    return rows;
  }

  /** How much hidden weights have grown between the first task's end and the last's. */
  private static double growth(Result result) {
    List<Layers> layers = result.layers();
    return layers.get(layers.size() - 1).hiddenNorm() / layers.get(0).hiddenNorm();
  }

  private static String percent(Spread spread, int seeds) {
    return seeds > 1
        ? String.format(Locale.ROOT, "%.1f ±%.1f", 100 * spread.mean(), 100 * spread.deviation())
        : String.format(Locale.ROOT, "%.1f", 100 * spread.mean());
  }

  /** How many seeds each method ran with. */
  public int seeds() {
    return of(methods().get(0)).size();
  }

  /** What the table's figures are. */
  public String note() {
    String spread =
        seeds() > 1 ? ", mean and standard deviation over " + seeds() + " seeds" : ", one seed";
    return "In %"
        + spread
        + "; weights: hidden ones' norm at the end over that after the first task.";
  }

  /** The table for people. */
  public String toText() {
    return "%s, %d tasks. %s%n%n".formatted(scenario, tasks.size(), note()) + TextTable.of(table());
  }

  /**
   * Writes {@code results.json}.
   *
   * @throws dev.acclimate.models.InvalidInputException when the folder cannot be written to
   */
  public void write(OutputFolder folder) {
    folder.write("results.json", toJson());
  }

  private String toJson() {
    ObjectNode root = JSON.createObjectNode();
    root.put("scenario", scenario.toString());
    provenance.forEach(root::put);
    ArrayNode names = root.putArray("task_names");
    tasks.forEach(names::add);
    ArrayNode runs = root.putArray("runs");
    for (Result result : results) {
      ObjectNode run = runs.addObject();
      run.put("method", result.method()).put("seed", result.seed());
      figures().forEach((name, figure) -> run.put(key(name), figure.applyAsDouble(result)));
      run.put("rejected_steps", result.rejected()).put("seconds", result.seconds());
      AccuracyMatrix matrix = result.accuracies();
      write(run.putArray("accuracy_before"), matrix.before());
      ArrayNode after = run.putArray("accuracy_after");
      for (double[] row : matrix.after()) {
        write(after.addArray(), row);
      }
      ArrayNode layers = run.putArray("layers");
      for (Layers one : result.layers()) {
        ObjectNode layer = layers.addObject();
        layer.put("dormant", one.dormant());
        one.weights()
            .forEach(
                weight ->
                    layer
                        .putObject(weight.name())
                        .put("norm", weight.norm())
                        .put("effective_rate", weight.effectiveRate()));
      }
    }
    return root.toPrettyString() + "\n";
  }

  private static String key(String name) {
    return name.replace(' ', '_');
  }

  /** What was not measured is null. */
  private static void write(ArrayNode array, double[] values) {
    for (double value : values) {
      if (Double.isNaN(value)) {
        array.addNull();
      } else {
        array.add(value);
      }
    }
  }
}
