package dev.acclimate.simulate.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.acclimate.models.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A mapping of a YAML file that users write. Reading a key checks its type; {@link #done} refuses
 * the keys that nobody read. Complaints are one line: the file, the key, what was expected, what
 * was found.
 */
public final class ConfigSection {
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})\\s*(ms|s|m)");
  private static final Pattern BYTES = Pattern.compile("(\\d{1,7})([KMG])iB");

  private final String file;
  private final String path;
  private final JsonNode node;
  private final Map<String, String> origins;
  private final Set<String> known = new LinkedHashSet<>();

  private ConfigSection(String file, String path, JsonNode node, Map<String, String> origins) {
    this.file = file;
    this.path = path;
    this.node = node;
    this.origins = origins;
  }

  /**
   * A value that takes the place of a file's.
   *
   * @param keys the keys from the root down to the value's own
   * @param value what the file would hold
   * @param origin where it comes from, which complaints about it name instead of file and key
   */
  public record Replacement(List<String> keys, JsonNode value, String origin) {
    public Replacement {
      keys = List.copyOf(keys);
    }
  }

  /**
   * Reads a file.
   *
   * @throws InvalidInputException if it can not be read, is no YAML, or not a mapping
   */
  public static ConfigSection read(Path file) {
    try {
      return parse(file.toString(), Files.readAllBytes(file));
    } catch (IOException e) {
      throw new InvalidInputException(
          file + ": expected a readable configuration file, found " + reason(e), e);
    }
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException ? "no such file" : e.toString();
  }

  /**
   * Reads the bytes of a file.
   *
   * @param file what messages call it
   * @throws InvalidInputException if they are no YAML, or not a mapping
   */
  public static ConfigSection parse(String file, byte[] yaml) {
    JsonNode node;
    try {
      node = YAML.readTree(yaml);
    } catch (JsonProcessingException e) {
      String where = e.getLocation() == null ? "" : " in line " + e.getLocation().getLineNr();
      String first = e.getOriginalMessage().strip().lines().findFirst().orElse("");
      throw new InvalidInputException(
          file + ": expected YAML, found an error" + where + ": " + first, e);
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory", e);
    }
    if (!node.isObject()) {
      throw new InvalidInputException(
          file + ": expected keys and values, found " + described(node));
    }
    return new ConfigSection(file, "", node, Map.of());
  }

  /** This whole file with some values replaced, sections made where they are missing. */
  public ConfigSection with(List<Replacement> replacements) {
    ObjectNode changed = node.deepCopy();
    Map<String, String> names = new HashMap<>();
    for (Replacement replacement : replacements) {
      int last = replacement.keys().size() - 1;
      ObjectNode parent = changed;
      for (String key : replacement.keys().subList(0, last)) {
        parent = child(parent, key);
      }
      parent.set(replacement.keys().get(last), replacement.value());
      names.put(String.join(".", replacement.keys()), replacement.origin());
    }
    return new ConfigSection(file, "", changed, Map.copyOf(names));
  }

  private ObjectNode child(ObjectNode parent, String key) {
    JsonNode child = parent.get(key);
    if (child == null || child.isNull()) {
      return parent.putObject(key);
    }
    if (child instanceof ObjectNode section) {
      return section;
    }
    throw wrong(key, "keys and values", described(child));
  }

  private Optional<JsonNode> read(String key) {
    known.add(key);
    JsonNode value = node.get(key);
    return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
  }

  public String text(String key) {
    return optionalText(key).orElseThrow(() -> wrong(key, "a text", "nothing"));
  }

  public Optional<String> optionalText(String key) {
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
  public <T> Optional<T> parsed(String key, Function<String, T> parser) {
    return optionalText(key)
        .map(
            text -> {
              try {
                return parser.apply(text);
              } catch (InvalidInputException e) {
                throw new InvalidInputException(place(key) + ": " + e.getMessage(), e);
              }
            });
  }

  public int number(String key, int fallback, int least, int most) {
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

  public long wideNumber(String key, long fallback) {
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

  /** Any number. */
  public OptionalDouble realNumber(String key) {
    return read(key)
        .map(
            value -> {
              if (!value.isNumber()) {
                throw wrong(key, "a number", described(value));
              }
              return OptionalDouble.of(value.doubleValue());
            })
        .orElse(OptionalDouble.empty());
  }

  public boolean flag(String key, boolean fallback) {
    return read(key)
        .map(
            value -> {
              if (!value.isBoolean()) {
                throw wrong(key, "true or false", described(value));
              }
              return value.booleanValue();
            })
        .orElse(fallback);
  }

  /** A part of a whole, 0 to 1. */
  public double fraction(String key, double fallback) {
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

  public Duration duration(String key, Duration fallback, Duration most) {
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
  public long bytes(String key, long fallback) {
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
  public Path file(String key) {
    return optionalFile(key).orElseThrow(() -> wrong(key, "the path of a file", "nothing"));
  }

  public Optional<Path> optionalFile(String key) {
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

  public Optional<ConfigSection> section(String key) {
    return read(key)
        .map(
            value -> {
              if (!value.isObject()) {
                throw wrong(key, "keys and values", described(value));
              }
              return new ConfigSection(file, path + key + ".", value, origins);
            });
  }

  /** A section that holds nothing where the file has none. */
  public ConfigSection sectionOrEmpty(String key) {
    return section(key)
        .orElseGet(
            () ->
                new ConfigSection(
                    file, path + key + ".", JsonNodeFactory.instance.objectNode(), origins));
  }

  /**
   * A list of mappings.
   *
   * @param item what messages call one of them, followed by its number from 1 on
   */
  public List<ConfigSection> sections(String key, String item) {
    JsonNode list = read(key).orElseThrow(() -> wrong(key, "a list", "nothing"));
    if (!list.isArray() || list.isEmpty()) {
      throw wrong(key, "a list of mappings", list.isArray() ? "an empty list" : described(list));
    }
    List<ConfigSection> sections = new ArrayList<>();
    for (JsonNode node : list) {
      String where = path + item + " " + (sections.size() + 1) + ": ";
      if (!node.isObject()) {
        throw new InvalidInputException(
            file + ": " + where + "expected keys and values, found " + described(node));
      }
      sections.add(new ConfigSection(file, where, node, origins));
    }
    return sections;
  }

  /**
   * One value or a list of them.
   *
   * @param expected what messages say one must be
   * @param parser refuses a text by an InvalidInputException or a NumberFormatException
   */
  public <T> Optional<List<T>> list(String key, String expected, Function<String, T> parser) {
    return read(key)
        .map(
            value -> {
              List<T> values = new ArrayList<>();
              for (JsonNode one : value.isArray() ? value : List.of(value)) {
                if (!one.isValueNode() || one.asText().isBlank()) {
                  throw wrong(key, expected, described(one));
                }
                try {
                  values.add(parser.apply(one.asText()));
                } catch (InvalidInputException | NumberFormatException e) {
                  throw wrong(key, expected, described(one));
                }
              }
              if (values.isEmpty()) {
                throw wrong(key, expected, "an empty list");
              }
              return values;
            });
  }

  /** A section whose keys are not ours to know, as texts. */
  public Map<String, String> texts(String key) {
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
  public void done() {
    only(known);
  }

  /** Refuses keys other than these. */
  public void only(Set<String> keys) {
    node.fieldNames()
        .forEachRemaining(
            key -> {
              if (!keys.contains(key)) {
                throw wrong(key, "one of the keys " + keys, "an unknown key");
              }
            });
  }

  /** Runs what may refuse a value, and puts file and section in front of what it says. */
  public <T> T checked(Supplier<T> reading) {
    try {
      return reading.get();
    } catch (InvalidInputException e) {
      if (namesItsPlace(e)) {
        throw e;
      }
      throw new InvalidInputException(file + ": " + path + e.getMessage(), e);
    }
  }

  private boolean namesItsPlace(InvalidInputException e) {
    String message = String.valueOf(e.getMessage());
    return message.startsWith(file + ": ")
        || origins.values().stream().anyMatch(origin -> message.startsWith(origin + ": "));
  }

  public InvalidInputException wrong(String key, String expected, String found) {
    return new InvalidInputException(place(key) + ": expected " + expected + ", found " + found);
  }

  private String place(String key) {
    String origin = origins.get(path + key);
    return origin == null ? file + ": " + path + key : origin;
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
