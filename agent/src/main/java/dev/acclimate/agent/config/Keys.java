package dev.acclimate.agent.config;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.config.ConfigSection;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The declarations of all {@link Key}s, in the reference's order. A key is declared once, as a
 * constant beside its kin:
 *
 * <pre>{@code
 * static final Key<Integer> HTTP_PORT =
 *     KEYS.number("http.port", 8080, 0, 65535, "the port; 0 takes a free one");
 * }</pre>
 *
 * and read by {@code settings.get(HTTP_PORT)}. That makes it known in the file and gives it its
 * place in the reference and its environment variable. Then renew the committed reference: {@code
 * ConfigurationReferenceTest} says how.
 *
 * <p>Meanings are Markdown, in lower case and without a full stop, as they stand in a table. Values
 * that are secrets are {@linkplain #secret secrets}: nothing that complains of them shows them.
 */
public final class Keys {
  private final Map<String, Key<?>> byPath = new LinkedHashMap<>();
  private final Map<String, Key<?>> byVariable = new LinkedHashMap<>();
  private final List<Key<Optional<String>>> secrets = new ArrayList<>();

  /** All, in the order of their declaration. */
  List<Key<?>> all() {
    return List.copyOf(byPath.values());
  }

  /** All environment variables that the agent reads, those of its log among them. */
  public List<String> variables() {
    List<String> variables = new ArrayList<>(byVariable.keySet());
    variables.addAll(Logging.variables());
    return variables;
  }

  Map<String, Key<?>> byVariable() {
    return Collections.unmodifiableMap(byVariable);
  }

  private <T> Key<T> add(
      String path, Form form, String type, String fallback, String meaning, Reading<T> reading) {
    String name = path.substring(path.lastIndexOf('.') + 1);
    Key<T> key =
        new Key<>(path, form, type, fallback, meaning, section -> reading.of(section, name));
    if (byPath.putIfAbsent(path, key) != null) {
      throw new IllegalStateException(path + " is declared twice");
    }
    Key<?> other = byVariable.putIfAbsent(key.variable(), key);
    if (other != null) {
      throw new IllegalStateException(
          path + " and " + other.path() + " share the variable " + key.variable());
    }
    return key;
  }

  private interface Reading<T> {
    T of(ConfigSection section, String name);
  }

  /** A text that must be there. */
  public Key<String> text(String path, String meaning) {
    return add(path, Form.TEXT, "text", "required", meaning, ConfigSection::text);
  }

  public Key<String> text(String path, String fallback, String meaning) {
    return add(
        path,
        Form.TEXT,
        "text",
        code(fallback),
        meaning,
        (section, name) -> section.optionalText(name).orElse(fallback));
  }

  /**
   * A text that may be missing.
   *
   * @param otherwise what holds then, for people; empty for nothing
   */
  public Key<Optional<String>> optionalText(String path, String otherwise, String meaning) {
    return add(path, Form.TEXT, "text", otherwise, meaning, ConfigSection::optionalText);
  }

  /** A text that is told to nobody, if it is there; it comes from the environment alone. */
  public Key<Optional<String>> secret(String path, String meaning) {
    Key<Optional<String>> key =
        add(path, Form.TEXT, "secret text", "", meaning, ConfigSection::optionalText);
    secrets.add(key);
    return key;
  }

  /**
   * A text in a form of its own.
   *
   * @param type the form, for people
   * @param fallback what it is where it is left out
   * @param written the fallback as one would write it
   * @param parser refuses a text by an {@link InvalidInputException}
   */
  public <T> Key<T> parsed(
      String path,
      String type,
      T fallback,
      String written,
      Function<String, T> parser,
      String meaning) {
    return add(
        path,
        Form.TEXT,
        type,
        code(written),
        meaning,
        (section, name) -> section.parsed(name, parser).orElse(fallback));
  }

  public Key<Integer> number(String path, int fallback, int least, int most, String meaning) {
    return add(
        path,
        Form.WHOLE_NUMBER,
        "whole number, " + least + " to " + most,
        code(fallback),
        meaning,
        (section, name) -> section.number(name, fallback, least, most));
  }

  public Key<Long> wideNumber(String path, long fallback, String meaning) {
    return add(
        path,
        Form.WHOLE_NUMBER,
        "whole number",
        code(fallback),
        meaning,
        (section, name) -> section.wideNumber(name, fallback));
  }

  /** A part of a whole. */
  public Key<Double> fraction(String path, double fallback, String meaning) {
    return add(
        path,
        Form.NUMBER,
        "number, 0 to 1",
        code(fallback),
        meaning,
        (section, name) -> section.fraction(name, fallback));
  }

  public Key<Boolean> flag(String path, boolean fallback, String meaning) {
    return add(
        path,
        Form.FLAG,
        "`true` or `false`",
        code(fallback),
        meaning,
        (section, name) -> section.flag(name, fallback));
  }

  public Key<Duration> duration(String path, Duration fallback, Duration most, String meaning) {
    return add(
        path,
        Form.TEXT,
        "time such as `50ms`, `10s` or `5m`, up to " + written(most),
        code(written(fallback)),
        meaning,
        (section, name) -> section.duration(name, fallback, most));
  }

  private static String written(Duration time) {
    if (time.toMillisPart() != 0 || time.isZero()) {
      return time.toMillis() + "ms";
    }
    return time.toSecondsPart() != 0 ? time.toSeconds() + "s" : time.toMinutes() + "m";
  }

  /** An amount of memory. */
  public Key<Long> bytes(String path, long fallback, String meaning) {
    return add(
        path,
        Form.TEXT,
        "amount such as `512KiB`, `256MiB` or `2GiB`",
        code(writtenBytes(fallback)),
        meaning,
        (section, name) -> section.bytes(name, fallback));
  }

  private static String writtenBytes(long bytes) {
    int unit = Math.min(Long.numberOfTrailingZeros(bytes) / 10, 3);
    return (bytes >> (10 * unit)) + List.of(" bytes", "KiB", "MiB", "GiB").get(unit);
  }

  /** A readable file that must be named. */
  public Key<Path> file(String path, String meaning) {
    return add(path, Form.TEXT, "path of a file", "required", meaning, ConfigSection::file);
  }

  public Key<Optional<Path>> optionalFile(String path, String meaning) {
    return add(path, Form.TEXT, "path of a file", "", meaning, ConfigSection::optionalFile);
  }

  /**
   * One value or a list of them; empty where it is left out.
   *
   * @param type what one of them is, for people
   * @param parser refuses a text by an {@link InvalidInputException}
   */
  public <T> Key<List<T>> list(
      String path, String type, Function<String, T> parser, String meaning) {
    return add(
        path,
        Form.LIST,
        "list: " + type,
        "",
        meaning,
        (section, name) -> section.list(name, type, parser).orElse(List.of()));
  }

  /** A section of texts whose names are not ours to know. */
  public Key<Map<String, String>> texts(String path, String meaning) {
    return add(path, Form.NAMES, "names and texts", "", meaning, ConfigSection::texts);
  }

  private static String code(Object value) {
    return "`" + value + "`";
  }

  /**
   * Refuses what the file holds and no declaration names, and secrets in it.
   *
   * @throws InvalidInputException naming the key and those that there are
   */
  void requireKnown(ConfigSection root) {
    requireKnown(root, "");
    for (Key<Optional<String>> secret : secrets) {
      if (secret.read(root).isPresent()) {
        throw root.wrong(
            secret.path(),
            "this secret in the environment variable " + secret.variable(),
            "it in the file");
      }
    }
  }

  private void requireKnown(ConfigSection section, String prefix) {
    Set<String> names = new LinkedHashSet<>();
    Set<String> sections = new LinkedHashSet<>();
    for (String path : byPath.keySet()) {
      if (path.startsWith(prefix)) {
        String rest = path.substring(prefix.length());
        int dot = rest.indexOf('.');
        names.add(dot < 0 ? rest : rest.substring(0, dot));
        if (dot >= 0) {
          sections.add(rest.substring(0, dot));
        }
      }
    }
    section.only(names);
    for (String name : sections) {
      section.section(name).ifPresent(found -> requireKnown(found, prefix + name + "."));
    }
  }
}
