package dev.acclimate.agent.demo;

import dev.acclimate.adapters.Method;
import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A method that takes part.
 *
 * @param label the head of its column
 * @param method what it does
 */
public record Entrant(String label, Method method) {
  /** What the others are measured against: the model as it is. */
  static final String FROZEN = "frozen";

  private static final String SOURCE = "source";

  /**
   * Reads a list of methods. The frozen model comes first whether or not it is named, since there
   * is no gain without it.
   *
   * @throws InvalidInputException when one is no method or comes twice
   */
  public static List<Entrant> parse(String list) {
    List<Method> methods = new ArrayList<>();
    methods.add(Method.parse(SOURCE));
    Set<String> seen = new HashSet<>();
    for (String text : Method.splitList(list)) {
      Method method = Method.parse(text);
      if (!seen.add(method.canonical())) {
        throw new InvalidInputException(
            "--methods: expected each method once, found '" + method.canonical() + "' twice");
      }
      if (!method.name().equals(SOURCE)) {
        methods.add(method);
      }
    }
    Map<String, Integer> uses = new HashMap<>();
    methods.forEach(method -> uses.merge(shortLabel(method), 1, Integer::sum));
    return methods.stream()
        .map(
            method ->
                new Entrant(
                    uses.getOrDefault(shortLabel(method), 0) == 1
                        ? shortLabel(method)
                        : method.canonical(),
                    method))
        .toList();
  }

  private static String shortLabel(Method method) {
    if (method.name().equals(SOURCE)) {
      return FROZEN;
    }
    return method.name() + (method.needsCalibration() ? " cal." : "");
  }

  /** The label as a part of topic and group names. */
  String slug() {
    return label.replaceAll("[^A-Za-z0-9.]+", "-").replaceAll("[-.]+$", "");
  }
}
