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
 * A method as users write it: {@code unmix-tns[components=128;momentum=0.5]}.
 *
 * @param name the method's name
 * @param options its options as written, in order
 */
public record MethodSpec(String name, Map<String, String> options) {
  private static final Pattern SYNTAX =
      Pattern.compile("\\s*([a-z0-9-]+)\\s*(?:\\[([^\\[\\]]*)])?\\s*((?:\\+[a-z0-9-]+)*)\\s*");
  private static final List<String> COMPANIONS =
      List.of("tent", "core", "eta", "sar", "supervised", "nap");

  public MethodSpec {
    options = new LinkedHashMap<>(options);
  }

  /**
   * Reads a method.
   *
   * @throws InvalidInputException when the text does not have the form above
   */
  public static MethodSpec parse(String text) {
    Matcher matcher = SYNTAX.matcher(text);
    if (!matcher.matches()) {
      throw new InvalidInputException(
          "method '"
              + text
              + "': expected a name with options in brackets, separated by semicolons, such as"
              + " unmix-tns[components=16;momentum=0.1]");
    }
    if (!matcher.group(3).isEmpty()) {
      String companion = matcher.group(3).substring(1).split("\\+", -1)[0];
      throw new InvalidInputException(
          "method '"
              + text
              + "': "
              + (COMPANIONS.contains(companion)
                  ? "the companion '+" + companion + "' is not available yet"
                  : "unknown companion '+" + companion + "'")
              + "; leave it out");
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
    return new MethodSpec(matcher.group(1), options);
  }

  /** The same method with an option set to another value, in its place where it was there. */
  MethodSpec with(String option, String value) {
    Map<String, String> changed = new LinkedHashMap<>(options);
    changed.put(option, value);
    return new MethodSpec(name, changed);
  }

  /** Splits a comma-separated list of methods; commas inside brackets do not count. */
  static List<String> splitList(String list) {
    List<String> methods = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i < list.length(); i++) {
      char c = list.charAt(i);
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      if (c == ',' && depth == 0) {
        methods.add(list.substring(start, i).strip());
        start = i + 1;
      }
    }
    methods.add(list.substring(start).strip());
    return methods;
  }

  @Override
  public String toString() {
    return options.isEmpty()
        ? name
        : name
            + options.entrySet().stream()
                .map(option -> option.getKey() + "=" + option.getValue())
                .collect(Collectors.joining(";", "[", "]"));
  }
}
