package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file or folder and what may follow it after a question mark, as in {@code
 * images:DIR?size=224&resize=256}.
 */
final class SpecOptions {

  private final String scheme;
  private final Path path;
  private final Map<String, String> values;

  private SpecOptions(String scheme, Path path, Map<String, String> values) {
    this.scheme = scheme;
    this.path = path;
    this.values = values;
  }

  /**
   * Reads what follows a scheme and its colon.
   *
   * @param known names of options
   * @throws InvalidInputException if an option is unknown, given twice or without a value
   */
  static SpecOptions parse(String scheme, String argument, List<String> known) {
    int query = argument.lastIndexOf('?');
    Path path = Path.of(query < 0 ? argument : argument.substring(0, query));
    Map<String, String> values = new LinkedHashMap<>();
    SpecOptions options = new SpecOptions(scheme, path, values);
    String text = argument.substring(query < 0 ? argument.length() : query + 1);
    for (String option : text.isEmpty() ? new String[0] : text.split("&", -1)) {
      int equals = option.indexOf('=');
      String key = equals < 0 ? option : option.substring(0, equals);
      if (equals < 0 || equals == option.length() - 1 || !known.contains(key)) {
        throw options.wrong("options " + known + " as KEY=VALUE", option);
      }
      if (values.put(key, option.substring(equals + 1)) != null) {
        throw options.wrong(key + " once", text);
      }
    }
    return options;
  }

  /** The file or folder. */
  Path path() {
    return path;
  }

  /** What was given for an option. */
  Optional<String> value(String key) {
    return Optional.ofNullable(values.get(key));
  }

  /** What to throw where a value is not what it should be. */
  InvalidInputException wrong(String expected, String found) {
    return new InvalidInputException(
        "data: %s: expected %s, found \"%s\"".formatted(scheme, expected, found));
  }
}
