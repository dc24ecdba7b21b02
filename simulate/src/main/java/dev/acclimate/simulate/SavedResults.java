package dev.acclimate.simulate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a {@code results.json} tells, as far as two of them can be compared.
 *
 * @param file where it was read
 * @param origin model and provenance, by name
 * @param runs one a stream and method
 */
public record SavedResults(String file, Map<String, String> origin, List<Run> runs) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FILE_NAME = "results.json";

  /**
   * One method on one stream.
   *
   * @param setting how the stream is laid out, see {@link Setting#name}
   * @param seed of the stream
   * @param method as the user wrote it
   * @param errorRate over the stream
   * @param domains error rates by domain, in order
   */
  public record Run(
      String setting, long seed, String method, double errorRate, Map<String, Double> domains) {

    public Run {
      domains = new LinkedHashMap<>(domains);
    }
  }

  public SavedResults {
    origin = new LinkedHashMap<>(origin);
    runs = List.copyOf(runs);
  }

  /**
   * Reads a file.
   *
   * @param path a {@code results.json} or the folder that holds it
   * @throws InvalidInputException when there is none, or it does not hold what it should; the
   *     message names the field
   */
  public static SavedResults read(Path path) {
    Path file = Files.isDirectory(path) ? path.resolve(FILE_NAME) : path;
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(file + ": no such file");
    }
    JsonNode root;
    try {
      root = JSON.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return new Reader(file.toString(), root).read();
  }

  private record Reader(String file, JsonNode root) {

    SavedResults read() {
      Map<String, String> origin = new LinkedHashMap<>();
      origin.put("model", text(root, "model", ""));
      root.path("provenance")
          .propertyStream()
          .forEach(entry -> origin.put(entry.getKey(), entry.getValue().asText()));
      List<Run> runs = new ArrayList<>();
      JsonNode list = list(root, "runs", "");
      for (int i = 0; i < list.size(); i++) {
        runs.add(run(list.get(i), "runs[" + i + "]."));
      }
      return new SavedResults(file, origin, runs);
    }

    /** A run; what it does not tell of its stream holds for the whole file. */
    private Run run(JsonNode node, String place) {
      boolean own = node.has("schedule");
      JsonNode stream = own ? node : root;
      String where = own ? place : "";
      String setting =
          Setting.name(
              text(stream, own ? "schedule" : "domains", where),
              text(stream, "order", where),
              (int) number(stream, "batch_size", where));
      Map<String, Double> domains = new LinkedHashMap<>();
      JsonNode list = list(node, "domains", place);
      for (int d = 0; d < list.size(); d++) {
        String part = place + "domains[" + d + "].";
        domains.put(text(list.get(d), "domain", part), rate(list.get(d), part));
      }
      return new Run(
          setting,
          (long) number(stream, "seed", where),
          text(node, "method", place),
          rate(node, place),
          domains);
    }

    private String text(JsonNode node, String field, String place) {
      JsonNode value = node.path(field);
      if (!value.isTextual()) {
        throw refusal(place + field, "a text", value);
      }
      return value.textValue();
    }

    private double number(JsonNode node, String field, String place) {
      JsonNode value = node.path(field);
      if (!value.isNumber()) {
        throw refusal(place + field, "a number", value);
      }
      return value.doubleValue();
    }

    private double rate(JsonNode node, String place) {
      double rate = number(node, "error_rate", place);
      if (!(rate >= 0 && rate <= 1)) {
        throw refusal(place + "error_rate", "a fraction, 0 to 1", node.path("error_rate"));
      }
      return rate;
    }

    private JsonNode list(JsonNode node, String field, String place) {
      JsonNode value = node.path(field);
      if (!value.isArray() || value.isEmpty()) {
        throw refusal(place + field, "a list that is not empty", value);
      }
      return value;
    }

    private InvalidInputException refusal(String field, String expected, JsonNode found) {
      String text =
          found.isMissingNode()
              ? "nothing"
              : found.isContainerNode() ? "a JSON " + found.getNodeType() : found.toString();
      return new InvalidInputException(
          "%s: %s: expected %s, found %s"
              .formatted(file, field, expected, text.toLowerCase(Locale.ROOT)));
    }
  }
}
