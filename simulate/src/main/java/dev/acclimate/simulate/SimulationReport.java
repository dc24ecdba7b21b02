package dev.acclimate.simulate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.MethodRun.DomainResult;
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
 * @param seed of stream and starts
 * @param batchSize samples a batch
 * @param order of samples within a domain
 * @param domains how domains follow one another
 * @param provenance what else the result depends on: data, severity, digest, version, ...
 * @param runs one a method
 */
public record SimulationReport(
    String model,
    long seed,
    int batchSize,
    String order,
    String domains,
    Map<String, String> provenance,
    List<MethodRun> runs) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  public SimulationReport {
    provenance = new TreeMap<>(provenance);
    runs = List.copyOf(runs);
  }

  /** {@code results.json}, as documented in the README. */
  public String toJson() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", model);
    root.put("seed", seed);
    root.put("batch_size", batchSize);
    root.put("order", order);
    root.put("domains", domains);
    ObjectNode origin = root.putObject("provenance");
    provenance.forEach(origin::put);
    ArrayNode list = root.putArray("runs");
    for (MethodRun run : runs) {
      ObjectNode node = list.addObject();
      node.put("method", run.method());
      node.put("error_rate", run.errorRate());
      node.put("samples", run.samples());
      node.put("seconds", Math.round(run.seconds() * 1000) / 1000.0);
      node.put("rejected_steps", run.rejectedSteps());
      ArrayNode parts = node.putArray("domains");
      for (DomainResult domain : run.domains()) {
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
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("error %"));
    runs.get(0).domains().forEach(domain -> header.add(domain.domain()));
    header.add("all");
    header.add("samples/s");
    rows.add(header);
    for (MethodRun run : runs) {
      List<String> row = new ArrayList<>(List.of(run.method()));
      run.domains().forEach(domain -> row.add(percent(domain.errorRate())));
      row.add(percent(run.errorRate()));
      row.add(String.format(Locale.ROOT, "%.0f", run.samples() / Math.max(run.seconds(), 1e-9)));
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
