package dev.acclimate.simulate;

import dev.acclimate.adapters.Method;
import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One option of a method at several values, everything else alike.
 *
 * @param method its name without options
 * @param option what is varied
 * @param values as the user wrote them, in that order
 */
public record Sweep(String method, String option, List<String> values) {

  /** Checks that no value is there twice. */
  public Sweep {
    values = List.copyOf(values);
    if (new HashSet<>(values).size() < values.size()) {
      throw new InvalidInputException(
          "sweep %s.%s: expected different values, found %s".formatted(method, option, values));
    }
  }

  /**
   * Reads a sweep such as {@code unmix-tns.components=4,16,64}.
   *
   * @throws InvalidInputException when it does not have this form or there is no such method
   */
  public static Sweep parse(String text) {
    int dot = text.indexOf('.');
    int equals = text.indexOf('=');
    if (dot <= 0 || equals <= dot + 1 || equals == text.length() - 1) {
      throw new InvalidInputException(
          "sweep: expected METHOD.OPTION=VALUE,VALUE, such as unmix-tns.components=4,16,64, found '"
              + text
              + "'");
    }
    Sweep sweep =
        new Sweep(
            text.substring(0, dot).strip(),
            text.substring(dot + 1, equals).strip(),
            Arrays.stream(text.substring(equals + 1).split(",", -1)).map(String::strip).toList());
    Method.parse(sweep.method);
    return sweep;
  }

  /**
   * Puts a variant a value in the place of each method of that name.
   *
   * @param methods as users write them
   * @param sweeps one after the other: where two vary the same method, it comes in every
   *     combination
   * @return no method twice
   * @throws InvalidInputException when a sweep finds no method of its name, or the method has no
   *     such option or does not take a value
   */
  public static List<String> expand(List<String> methods, List<Sweep> sweeps) {
    List<String> expanded = methods;
    for (Sweep sweep : sweeps) {
      if (expanded.stream().noneMatch(sweep::concerns)) {
        throw new InvalidInputException(
            "sweep %s.%s: expected %s among the methods, found %s"
                .formatted(sweep.method, sweep.option, sweep.method, String.join(", ", methods)));
      }
      expanded =
          expanded.stream()
              .flatMap(one -> sweep.concerns(one) ? sweep.variants(one).stream() : Stream.of(one))
              .toList();
    }
    expanded.forEach(Method::parse);
    return expanded.stream().distinct().toList();
  }

  /**
   * The methods that differ in this option alone: a list for each setting of the other options, in
   * it a method for each of {@link #values}.
   *
   * @param methods as {@link #expand} gave them
   */
  public List<List<String>> lines(List<String> methods) {
    return List.copyOf(
        methods.stream()
            .filter(this::concerns)
            .map(this::variants)
            .filter(methods::containsAll)
            .collect(Collectors.toCollection(LinkedHashSet::new)));
  }

  private boolean concerns(String text) {
    return Method.parse(text).name().equals(Method.parse(method).name());
  }

  private List<String> variants(String text) {
    return values.stream().map(value -> Method.withOption(text, option, value)).toList();
  }
}
