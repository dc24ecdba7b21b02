package dev.acclimate.agent.config;

import com.fasterxml.jackson.databind.JsonNode;
import dev.acclimate.simulate.config.ConfigSection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;

/**
 * One key of the configuration, declared by {@link Keys}: what reads it, what the reference says of
 * it, and the environment variable that overrides it.
 *
 * @param <T> what it is read as
 */
public final class Key<T> {
  static final String PREFIX = "ACCLIMATE_";

  private final String path;
  private final Form form;
  private final String type;
  private final String fallback;
  private final String meaning;
  private final Function<ConfigSection, T> reading;

  Key(
      String path,
      Form form,
      String type,
      String fallback,
      String meaning,
      Function<ConfigSection, T> reading) {
    this.path = path;
    this.form = form;
    this.type = type;
    this.fallback = fallback;
    this.meaning = meaning;
    this.reading = Objects.requireNonNull(reading);
  }

  /** Where it stands: the keys from the root on, between dots. */
  public String path() {
    return path;
  }

  /** The environment variable that overrides it. */
  public String variable() {
    return PREFIX + path.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  /** What it holds, for people. */
  String type() {
    return type;
  }

  /** What it is where it is left out, for people. */
  String fallback() {
    return fallback;
  }

  String meaning() {
    return meaning;
  }

  boolean hasFreeNames() {
    return form == Form.NAMES;
  }

  List<String> keys() {
    return List.of(path.split("\\.", -1));
  }

  /** What the file would hold for the text of a variable. */
  JsonNode node(String text) {
    return form.node(text);
  }

  /** Reads it from the file. */
  T read(ConfigSection root) {
    ConfigSection section = root;
    List<String> keys = keys();
    for (String key : keys.subList(0, keys.size() - 1)) {
      section = section.sectionOrEmpty(key);
    }
    return reading.apply(section);
  }

  @Override
  public String toString() {
    return path;
  }
}
