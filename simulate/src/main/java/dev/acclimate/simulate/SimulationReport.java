package dev.acclimate.simulate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.StreamMetrics.DomainResult;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a simulation found, with all that is needed to repeat it.
 *
 * @param model the model's file
 * @param provenance what else the result depends on: data, severity, digest, version, ...
 * @param trials one a stream
 */
public record SimulationReport(String model, Map<String, String> provenance, List<Trial> trials) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  public SimulationReport {
    provenance = new TreeMap<>(provenance);
    trials = List.copyOf(trials);
  }

  /** {@code results.json}, as documented in the README. */
  public String toJson() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", model);
    Trial trial = trials.get(0);
    root.put("seed", trial.seed());
    root.put("batch_size", trial.batchSize());
    root.put("order", trial.order());
    root.put("domains", trial.domains());
    ObjectNode origin = root.putObject("provenance");
    provenance.forEach(origin::put);
    ArrayNode list = root.putArray("runs");
    for (MethodRun run : trial.runs()) {
      StreamMetrics metrics = StreamMetrics.of(trial.log(), run.answers());
      ObjectNode node = list.addObject();
      node.put("method", run.method());
      node.put("error_rate", metrics.errorRate());
      node.put("samples", metrics.samples());
      node.put("seconds", Math.round(run.seconds() * 1000) / 1000.0);
      node.put("rejected_steps", run.rejectedSteps());
      ArrayNode parts = node.putArray("domains");
      for (DomainResult domain : metrics.domains()) {
        parts
            .addObject()
            .put("domain", domain.domain())
            .put("samples", domain.samples())
            .put("errors", domain.errors())
            .put("error_rate", domain.errorRate());
      }
    }
    return JSON.writeValueAsString(root) + "\n";
  }

  /** Error rates in percent, methods by domains, as aligned text. */
  public String toTable() {
    Trial trial = trials.get(0);
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("error %"));
    header.addAll(trial.log().domains());
    header.add("all");
    header.add("samples/s");
    rows.add(header);
    for (MethodRun run : trial.runs()) {
      StreamMetrics metrics = StreamMetrics.of(trial.log(), run.answers());
      List<String> row = new ArrayList<>(List.of(run.method()));
      metrics.domains().forEach(domain -> row.add(percent(domain.errorRate())));
      row.add(percent(metrics.errorRate()));
      double seconds = Math.max(run.seconds(), 1e-9);
      row.add(String.format(Locale.ROOT, "%.0f", metrics.samples() / seconds));
      rows.add(row);
    }
    return TextTable.of(rows);
  }

  static String percent(double fraction) {
    return String.format(Locale.ROOT, "%.1f", 100 * fraction);
  }

  /**
   * Writes {@code results.json} and {@code report.html}.
   *
   * @throws InvalidInputException when the folder cannot be written to
   */
  public void write(Path folder) {
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("results.json"), toJson(), StandardCharsets.UTF_8);
      Files.writeString(folder.resolve("report.html"), HtmlReport.of(this), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw InvalidInputException.unwritable(folder, e);
    }
  }
}
