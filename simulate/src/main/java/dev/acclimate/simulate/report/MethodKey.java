package dev.acclimate.simulate.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How a method is told apart in drawings.
 *
 * @param method as the user wrote it
 * @param label short, yet its own
 * @param style class of the style sheet that colours it, and dashes it where colours alone are few
 */
record MethodKey(String method, String label, String style) {
  private static final String FROZEN = "source";

  /** Colours of the style sheet besides the frozen model's. */
  private static final int COLOURS = 8;

  /** Keys of methods, in their order. */
  static List<MethodKey> of(List<String> methods) {
    List<MethodKey> keys = new ArrayList<>();
    int colour = 0;
    for (String method : methods) {
      String style = "c0";
      if (!method.equals(FROZEN)) {
        style = "c" + (colour % COLOURS + 1) + (colour < COLOURS ? "" : " dashed");
        colour++;
      }
      keys.add(new MethodKey(method, label(method, methods), style));
    }
    return keys;
  }

  /** The method's name; with options that others of the name do not share, where there are some. */
  private static String label(String method, List<String> methods) {
    String name = name(method);
    List<String> namesakes =
        methods.stream()
            .filter(other -> name(other).equals(name) && !other.equals(method))
            .toList();
    if (namesakes.isEmpty() || method.equals(name)) {
      return name;
    }
    List<String> options =
        Arrays.stream(options(method))
            .filter(option -> namesakes.stream().noneMatch(other -> has(other, option)))
            .toList();
    for (String option : options) {
      String value = option.substring(option.indexOf('=') + 1);
      if (value.chars().allMatch(Character::isLetter)) {
        return name + " " + value;
      }
    }
    return options.isEmpty() ? method : name + " " + options.get(0);
  }

  private static boolean has(String method, String option) {
    return Arrays.asList(options(method)).contains(option);
  }

  private static String name(String method) {
    int bracket = method.indexOf('[');
    return bracket < 0 ? method : method.substring(0, bracket);
  }

  private static String[] options(String method) {
    return method.substring(name(method).length()).replaceAll("[\\[\\]]", "").split(";");
  }

  /** Its mark and its full name. */
  void write(Markup page) {
    page.open("span", "class", "key " + style).close();
    page.open("code").name(method).close();
  }

  /** Marks and names of all. */
  static void legend(Markup page, List<MethodKey> keys) {
    page.open("ul", "class", "legend");
    for (MethodKey key : keys) {
      page.open("li");
      key.write(page);
      page.close();
    }
    page.close();
  }
}
