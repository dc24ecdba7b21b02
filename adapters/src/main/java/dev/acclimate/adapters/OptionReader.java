package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads one method's options, each with its range, and refuses those that no one asked for. */
public final class OptionReader {
  private final MethodSpec spec;
  private final Map<String, String> left;
  private final Set<String> known = new TreeSet<>();

  public OptionReader(MethodSpec spec) {
    this.spec = spec;
    this.left = new LinkedHashMap<>(spec.options());
  }

  /** A number in [{@code least}, {@code most}], or ]least, most] where {@code least} is open. */
  public double number(String name, double standard, double least, boolean open, double most) {
    String text = take(name);
    if (text == null) {
      return standard;
    }
    double value;
    try {
      value = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw refusal(name, range(least, open, most), text);
    }
    if (!(open ? value > least : value >= least) || !(value <= most)) {
      throw refusal(name, range(least, open, most), text);
    }
    return value;
  }

  private static String range(double least, boolean open, double most) {
    return "a number "
        + (open ? "above " : "from ")
        + text(least)
        + (most == Double.MAX_VALUE ? "" : (open ? " and up to " : " to ") + text(most));
  }

  private static String text(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  public int integer(String name, int standard, int least, int most) {
    String text = take(name);
    if (text == null) {
      return standard;
    }
    try {
      int value = Integer.parseInt(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // refused below, like a value out of range
    }
    throw refusal(name, "a whole number from " + least + " to " + most, text);
  }

  public boolean flag(String name, boolean standard) {
    String text = take(name);
    if (text == null) {
      return standard;
    }
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw refusal(name, "true or false", text);
    };
  }

  <E extends Enum<E>> E choice(String name, E standard, Class<E> type) {
    String text = take(name);
    if (text == null) {
      return standard;
    }
    for (E value : type.getEnumConstants()) {
      if (value.toString().equals(text)) {
        return value;
      }
    }
    throw refusal(name, "one of " + Arrays.toString(type.getEnumConstants()), text);
  }

  /** Any text, empty where it is left out. */
  String text(String name) {
    String text = take(name);
    return text == null ? "" : text;
  }

  private @Nullable String take(String name) {
    known.add(name);
    return left.remove(name);
  }

  private InvalidInputException refusal(String name, String expected, String found) {
    return new InvalidInputException(
        "method '"
            + spec
            + "': option '"
            + name
            + "': expected "
            + expected
            + ", found '"
            + found
            + "'");
  }

  /** Refuses what is left. */
  public void done() {
    if (!left.isEmpty()) {
      String unknown = left.keySet().iterator().next();
      throw new InvalidInputException(
          "method '"
              + spec
              + "': unknown option '"
              + unknown
              + "': expected "
              + (known.isEmpty() ? "none, " + spec.name() + " takes no options" : known));
    }
  }
}
