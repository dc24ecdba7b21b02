package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A method as users write it: {@code unmix-tns[components=128;momentum=0.5]}, with companions
 * {@code unmix-tns[components=128]+tent[learning-rate=0.001]}.
 *
 * @param name the method's name
 * @param options its options as written, in order
 * @param companions what goes along with it, themselves without companions
 */
public record MethodSpec(String name, Map<String, String> options, List<MethodSpec> companions) {
  private static final Pattern PART =
      Pattern.compile("\\s*([a-z0-9-]+)\\s*(?:\\[([^\\[\\]]*)])?\\s*");

  public MethodSpec {
    options = new LinkedHashMap<>(options);
    companions = List.copyOf(companions);
  }

  /**
   * Reads a method.
   *
   * @throws InvalidInputException when the text does not have the form above
   */
  public static MethodSpec parse(String text) {
    List<MethodSpec> parts = new ArrayList<>();
    for (String part : split(text, '+')) {
      parts.add(part(text, part));
    }
    MethodSpec first = parts.get(0);
    return new MethodSpec(first.name, first.options, parts.subList(1, parts.size()));
  }

  private static MethodSpec part(String text, String part) {
    Matcher matcher = PART.matcher(part);
    if (!matcher.matches()) {
      throw new InvalidInputException(
          "method '"
              + text
              + "': expected a name with options in brackets, separated by semicolons, such as"
              + " unmix-tns[components=16;momentum=0.1]");
    }
    Map<String, String> options = new LinkedHashMap<>();
    String list = matcher.group(2);
    if (list != null && !list.isBlank()) {
      for (String option : list.split(";", -1)) {
        int equals = option.indexOf('=');
        if (equals <= 0 || equals == option.length() - 1) {
          throw new InvalidInputException(
              "method '" + text + "': expected option=value, found '" + option.strip() + "'");
        }
        String key = option.substring(0, equals).strip();
        if (options.put(key, option.substring(equals + 1).strip()) != null) {
          throw new InvalidInputException("method '" + text + "': option '" + key + "' twice");
        }
      }
    }
    return new MethodSpec(matcher.group(1), options, List.of());
  }

  /**
   * The same method with an option set to another value, in its place where it was there; a
   * companion's option is called {@code tent.learning-rate}.
   */
  MethodSpec with(String option, String value) {
    int dot = option.indexOf('.');
    if (dot > 0) {
      String owner = option.substring(0, dot);
      List<MethodSpec> changed =
          companions.stream()
              .map(c -> c.name.equals(owner) ? c.with(option.substring(dot + 1), value) : c)
              .toList();
      if (changed.equals(companions) && companions.stream().noneMatch(c -> c.name.equals(owner))) {
        throw new InvalidInputException(
            "method '" + this + "': no companion '" + owner + "' for option '" + option + "'");
      }
      return new MethodSpec(name, options, changed);
    }
    Map<String, String> changed = new LinkedHashMap<>(options);
    changed.put(option, value);
    return new MethodSpec(name, changed, companions);
  }

  /** Splits a comma-separated list of methods; commas inside brackets do not count. */
  static List<String> splitList(String list) {
    return split(list, ',');
  }

  private static List<String> split(String list, char separator) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i < list.length(); i++) {
      char c = list.charAt(i);
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      if (c == separator && depth == 0) {
        parts.add(list.substring(start, i).strip());
        start = i + 1;
      }
    }
    parts.add(list.substring(start).strip());
    return parts;
  }

  @Override
  public String toString() {
    String own =
        options.isEmpty()
            ? name
            : name
                + options.entrySet().stream()
                    .map(option -> option.getKey() + "=" + option.getValue())
                    .collect(Collectors.joining(";", "[", "]"));
    return own + companions.stream().map(c -> "+" + c).collect(Collectors.joining());
  }
}
