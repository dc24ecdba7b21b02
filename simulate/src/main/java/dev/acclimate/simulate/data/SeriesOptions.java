package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How windows are cut out of tables, as in {@code csv:FILE?window=128&stride=64&label=state}.
 *
 * @param window rows a window
 * @param stride rows from the start of a window to the next one's; as many as a window where it is
 *     not given, so that none overlap
 * @param label the column of classes
 * @param channels the columns of sensors in the model's order; empty for all numeric ones
 * @param group the column that tells recordings apart; null where a file is one
 * @param domain the column of domains; null where there is none
 * @param source the domain whose windows are clean; null where none is
 * @param classes names of classes in the model's order; empty for alphabetical order
 */
record SeriesOptions(
    int window,
    int stride,
    String label,
    List<String> channels,
    @Nullable String group,
    @Nullable String domain,
    @Nullable String source,
    List<String> classes) {

  /** Names of the options. */
  static final List<String> KEYS =
      List.of("window", "stride", "label", "channels", "group", "domain", "source", "classes");

  private static final int LONGEST = 1 << 20;

  SeriesOptions {
    channels = List.copyOf(channels);
    classes = List.copyOf(classes);
  }

  /**
   * Reads what was given.
   *
   * @throws InvalidInputException if an option is missing or not of its form
   */
  static SeriesOptions of(SpecOptions options) {
    int window = rows(options, "window", options.value("window").orElse(""));
    String domain = options.value("domain").orElse(null);
    String source = options.value("source").orElse(null);
    if (source != null && domain == null) {
      throw options.wrong("domain=COLUMN beside source=" + source, "source alone");
    }
    return new SeriesOptions(
        window,
        options.value("stride").map(text -> rows(options, "stride", text)).orElse(window),
        options
            .value("label")
            .orElseThrow(() -> options.wrong("label=COLUMN, the column of classes", "")),
        list(options, "channels"),
        options.value("group").orElse(null),
        domain,
        source,
        list(options, "classes"));
  }

  private static int rows(SpecOptions options, String key, String text) {
    int rows = text.matches("\\d{1,7}") ? Integer.parseInt(text) : 0;
    if (rows < 1 || rows > LONGEST) {
      throw options.wrong(
          "%s=N, a number of rows from 1 to %,d".formatted(key, LONGEST),
          text.isEmpty() ? "" : key + "=" + text);
    }
    return rows;
  }

  private static List<String> list(SpecOptions options, String key) {
    List<String> names =
        options.value(key).stream()
            .flatMap(text -> Stream.of(text.split(",", -1)))
            .map(String::strip)
            .toList();
    if (names.contains("") || names.stream().distinct().count() < names.size()) {
      throw options.wrong(key + "=A,B,C, each once", key + "=" + options.value(key).orElseThrow());
    }
    return names;
  }
}
