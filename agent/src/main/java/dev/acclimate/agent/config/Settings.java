package dev.acclimate.agent.config;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.config.ConfigSection;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;

/** A configuration file with the environment's overrides, to be read by its {@link Key}s. */
public final class Settings {
  private final ConfigSection root;

  private Settings(ConfigSection root) {
    this.root = root;
  }

  /**
   * Reads a file.
   *
   * @param keys all keys that there are
   * @param environment the variables of the process; those that begin with {@code ACCLIMATE_}
   *     override the file
   * @throws InvalidInputException if the file cannot be read, is no YAML mapping or holds another
   *     key, or if a variable names none
   */
  public static Settings read(Path file, Keys keys, Map<String, String> environment) {
    ConfigSection root = ConfigSection.read(file);
    keys.requireKnown(root);
    return new Settings(root.with(new Environment(keys).replacements(environment)));
  }

  /**
   * The value of a key.
   *
   * @throws InvalidInputException naming file or variable, key, what was expected and what was
   *     found
   */
  public <T> T get(Key<T> key) {
    return key.read(root);
  }

  /** Whether a section is there, be it empty. */
  public boolean has(String section) {
    return root.section(section).isPresent();
  }

  /**
   * Runs what may refuse the values of a section, and puts file and section in front of what it
   * says.
   */
  public <T> T checked(String section, Supplier<T> reading) {
    return root.sectionOrEmpty(section).checked(reading);
  }

  /** A complaint about what keys hold together. */
  public InvalidInputException wrong(String key, String expected, String found) {
    return root.wrong(key, expected, found);
  }
}
