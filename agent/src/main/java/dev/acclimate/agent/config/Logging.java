package dev.acclimate.agent.config;

import dev.acclimate.models.InvalidInputException;
import java.util.List;
import java.util.Map;

/**
 * The environment variables that say how the process logs. {@code logback.xml} reads them, before
 * any configuration file is; here they are checked, since logback itself falls silent where one
 * names nothing.
 */
public final class Logging {
  private static final Map<String, List<String>> VALUES =
      Map.of(
          "ACCLIMATE_LOG",
          List.of("text", "json"),
          "ACCLIMATE_LOG_LEVEL",
          List.of("error", "warn", "info", "debug"));

  private Logging() {}

  static List<String> variables() {
    return VALUES.keySet().stream().sorted().toList();
  }

  /**
   * Refuses what logback would not understand.
   *
   * @throws InvalidInputException naming the variable, what was expected and what was found
   */
  public static void check(Map<String, String> environment) {
    VALUES.forEach(
        (variable, values) -> {
          String value = environment.get(variable);
          if (value != null && !values.contains(value)) {
            throw new InvalidInputException(
                "environment: "
                    + variable
                    + ": expected "
                    + String.join(", ", values)
                    + ", found '"
                    + value
                    + "'");
          }
        });
  }
}
