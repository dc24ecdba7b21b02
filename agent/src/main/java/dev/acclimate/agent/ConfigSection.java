package dev.acclimate.agent;

import com.fasterxml.jackson.databind.JsonNode;
import dev.acclimate.models.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A mapping of a configuration file. Reading a key checks its type; {@link #done} refuses the keys
 * that nobody read. Complaints are one line: the file, the key, what was expected, what was found.
 */
final class ConfigSection {
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})\\s*(ms|s|m)");
  private static final Pattern BYTES = Pattern.compile("(\\d{1,7})([KMG])iB");

  private final String file;
  private final String path;
  private final JsonNode node;
  private final Set<String> known = new LinkedHashSet<>();

  private ConfigSection(String file, String path, JsonNode node) {
    this.file = file;
    this.path = path;
    this.node = node;
  }

  static ConfigSection root(String file, JsonNode node) {
    if (!node.isObject()) {
      throw new InvalidInputException(
          file + ": expected keys and values, found " + described(node));
    }
    return new ConfigSection(file, "", node);
  }

  private Optional<JsonNode> read(String key) {
    known.add(key);
    JsonNode value = node.get(key);
    return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
  }

  String text(String key) {
    return optionalText(key).orElseThrow(() -> wrong(key, "a text", "nothing"));
  }

  Optional<String> optionalText(String key) {
    return read(key)
        .map(
            value -> {
              // a bare 1 or true is meant as text where text is asked for
              if (!value.isValueNode() || value.asText().isBlank()) {
                throw wrong(key, "a text", described(value));
              }
              return value.asText();
            });
  }

  /** A text in a form of its own, such as a method's or a provider's. */
  <T> Optional<T> parsed(String key, Function<String, T> parser) {
    return optionalText(key)
        .map(
            text -> {
              try {
                return parser.apply(text);
              } catch (InvalidInputException e) {
                throw new InvalidInputException(
                    file + ": " + path + key + ": " + e.getMessage(), e);
              }
            });
  }

  int number(String key, int fallback, int least, int most) {
    return read(key)
        .map(
            value -> {
              if (!value.isIntegralNumber()
                  || !value.canConvertToInt()
                  || value.intValue() < least
                  || value.intValue() > most) {
                String expected = "a whole number from " + least + " to " + most;
                throw wrong(key, expected, described(value));
              }
              return value.intValue();
            })
        .orElse(fallback);
  }

  long wideNumber(String key, long fallback) {
    return read(key)
        .map(
            value -> {
              if (!value.isIntegralNumber() || !value.canConvertToLong()) {
                throw wrong(key, "a whole number", described(value));
              }
              return value.longValue();
            })
        .orElse(fallback);
  }

  /** A part of a whole, 0 to 1. */
  double fraction(String key, double fallback) {
    return read(key)
        .map(
            value -> {
              if (!value.isNumber() || !(value.doubleValue() >= 0 && value.doubleValue() <= 1)) {
                throw wrong(key, "a number from 0 to 1", described(value));
              }
              return value.doubleValue();
            })
        .orElse(fallback);
  }

  Duration duration(String key, Duration fallback, Duration most) {
    return read(key)
        .map(
            value -> {
              Duration duration = duration(value.asText());
              if (duration == null || duration.compareTo(most) > 0) {
                String expected = "a time such as 50ms, up to " + most.toSeconds() + " s";
                throw wrong(key, expected, described(value));
              }
              return duration;
            })
        .orElse(fallback);
  }

  /** An amount of memory: {@code 512KiB}, {@code 256MiB}, {@code 2GiB}. */
  long bytes(String key, long fallback) {
    return read(key)
        .map(
            value -> {
              Matcher matcher = BYTES.matcher(value.asText());
              if (!matcher.matches()) {
                throw wrong(key, "an amount of memory such as 256MiB", described(value));
              }
              int shift = 10 * (1 + "KMG".indexOf(matcher.group(2)));
              return Long.parseLong(matcher.group(1)) << shift;
            })
        .orElse(fallback);
  }

  private static @Nullable Duration duration(String text) {
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      return null;
    }
    long count = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(count);
      case "s" -> Duration.ofSeconds(count);
      default -> Duration.ofMinutes(count);
    };
  }

  /** A file that must be readable. */
  Path file(String key) {
    return optionalFile(key).orElseThrow(() -> wrong(key, "the path of a file", "nothing"));
  }

  Optional<Path> optionalFile(String key) {
    return optionalText(key)
        .map(
            text -> {
              Path named = Path.of(text);
              if (!Files.isRegularFile(named) || !Files.isReadable(named)) {
                throw wrong(
                    key,
                    "a readable file",
                    "'"
                        + text
                        + "', "
                        + (Files.exists(named) ? "which is none" : "which is not there"));
              }
              return named;
            });
  }

  Optional<ConfigSection> section(String key) {
    return read(key)
        .map(
            value -> {
              if (!value.isObject()) {
                throw wrong(key, "keys and values", described(value));
              }
              return new ConfigSection(file, path + key + ".", value);
            });
  }

  /** A section whose keys are not ours to know, as texts. */
  Map<String, String> texts(String key) {
    Map<String, String> texts = new LinkedHashMap<>();
    section(key)
        .ifPresent(
            section ->
                section
                    .node
                    .properties()
                    .forEach(entry -> texts.put(entry.getKey(), section.text(entry.getKey()))));
    return texts;
  }

  /** Refuses keys that were not read. */
  void done() {
    node.fieldNames()
        .forEachRemaining(
            key -> {
              if (!known.contains(key)) {
                throw wrong(key, "one of the keys " + known, "an unknown key");
              }
            });
  }

  /** Runs what may refuse a value, and puts file and section in front of what it says. */
  <T> T checked(Supplier<T> reading) {
    try {
      return reading.get();
    } catch (InvalidInputException e) {
      if (e.getMessage() != null && e.getMessage().startsWith(file + ": ")) {
        throw e;
      }
      throw new InvalidInputException(file + ": " + path + e.getMessage(), e);
    }
  }

  InvalidInputException wrong(String key, String expected, String found) {
    return new InvalidInputException(
        file + ": " + path + key + ": expected " + expected + ", found " + found);
  }

  private static String described(JsonNode value) {
    if (value.isObject()) {
      return "keys and values";
    }
    if (value.isArray()) {
      return "a list";
    }
    if (value.isMissingNode() || value.isNull() || value.asText().isEmpty()) {
      return "nothing";
    }
    String text = value.asText().strip();
    return "'" + (text.length() <= 60 ? text : text.substring(0, 57) + "...") + "'";
  }
}
