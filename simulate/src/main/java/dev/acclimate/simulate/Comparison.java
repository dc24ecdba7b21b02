package dev.acclimate.simulate;

import dev.acclimate.simulate.SavedResults.Run;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Two saved results side by side: error rates of the second less those of the first, so that below
 * 0 the second is better.
 *
 * <p>Seeds that both ran are compared seed by seed, since a seed stands for the same stream where
 * the data are the same: Student's t interval of the mean of those differences. A single seed gives
 * no interval.
 *
 * @param first file of the first
 * @param second file of the second
 * @param settings that both have
 * @param origins what differs in where the results come from
 * @param onlyFirst {@code setting: method} of runs that only the first has
 * @param onlySecond likewise of the second
 */
public record Comparison(
    String first,
    String second,
    List<SettingDifference> settings,
    List<OriginDifference> origins,
    List<String> onlyFirst,
    List<String> onlySecond) {
  private static final double CONFIDENCE = 0.95;

  /**
   * What differs in where results come from.
   *
   * @param name of the property, such as {@code model_digest}
   * @param first its value in the first file, empty where it is not there
   * @param second likewise in the second
   */
  public record OriginDifference(String name, String first, String second) {}

  /** One way to lay a stream out, and the methods that both ran on it. */
  public record SettingDifference(String setting, List<MethodDifference> methods) {
    public SettingDifference {
      methods = List.copyOf(methods);
    }

    /** Names of the domains of any of the methods, in order. */
    public List<String> domains() {
      return methods.stream().flatMap(one -> one.domains().keySet().stream()).distinct().toList();
    }
  }

  /**
   * One method.
   *
   * @param method as the user wrote it
   * @param seeds that both ran
   * @param all over the stream
   * @param domains that both have, by name
   */
  public record MethodDifference(
      String method, int seeds, Estimate all, Map<String, Estimate> domains) {
    public MethodDifference {
      domains = new LinkedHashMap<>(domains);
    }
  }

  public Comparison {
    settings = List.copyOf(settings);
    origins = List.copyOf(origins);
    onlyFirst = List.copyOf(onlyFirst);
    onlySecond = List.copyOf(onlySecond);
  }

  /** As JSON; rates are fractions, and an interval is there where seeds allow one. */
  public String toJson() {
    return ComparisonJson.of(this);
  }

  /** As tables, methods by domains, in points. */
  public String toText() {
    return ComparisonText.of(this);
  }

  /** Compares two results. */
  public static Comparison of(SavedResults first, SavedResults second) {
    Map<String, Map<String, Map<Long, Run>>> before = group(first);
    Map<String, Map<String, Map<Long, Run>>> after = group(second);
    List<SettingDifference> settings = new ArrayList<>();
    before.forEach(
        (setting, methods) -> {
          List<MethodDifference> both = methods(methods, after.getOrDefault(setting, Map.of()));
          if (!both.isEmpty()) {
            settings.add(new SettingDifference(setting, both));
          }
        });
    return new Comparison(
        first.file(),
        second.file(),
        settings,
        origins(first.origin(), second.origin()),
        without(first, second),
        without(second, first));
  }

  /** Runs by setting, method and seed. */
  private static Map<String, Map<String, Map<Long, Run>>> group(SavedResults results) {
    return results.runs().stream()
        .collect(
            Collectors.groupingBy(
                Run::setting,
                LinkedHashMap::new,
                Collectors.groupingBy(
                    Run::method,
                    LinkedHashMap::new,
                    Collectors.toMap(Run::seed, run -> run, (one, other) -> one, TreeMap::new))));
  }

  private static List<MethodDifference> methods(
      Map<String, Map<Long, Run>> before, Map<String, Map<Long, Run>> after) {
    List<MethodDifference> differences = new ArrayList<>();
    before.forEach(
        (method, runs) -> {
          Map<Long, Run> others = after.getOrDefault(method, Map.of());
          List<Long> seeds = runs.keySet().stream().filter(others::containsKey).toList();
          if (!seeds.isEmpty()) {
            differences.add(
                difference(
                    method,
                    seeds.stream().map(seed -> Objects.requireNonNull(runs.get(seed))).toList(),
                    seeds.stream().map(seed -> Objects.requireNonNull(others.get(seed))).toList()));
          }
        });
    return differences;
  }

  private static MethodDifference difference(String method, List<Run> before, List<Run> after) {
    Set<String> common = new LinkedHashSet<>(before.get(0).domains().keySet());
    Stream.concat(before.stream(), after.stream())
        .forEach(run -> common.retainAll(run.domains().keySet()));
    Map<String, Estimate> domains = new LinkedHashMap<>();
    for (String domain : common) {
      domains.put(domain, mean(before, after, run -> run.domains().getOrDefault(domain, 0.0)));
    }
    return new MethodDifference(
        method, before.size(), mean(before, after, Run::errorRate), domains);
  }

  private static Estimate mean(List<Run> before, List<Run> after, ToDoubleFunction<Run> rate) {
    double[] differences = new double[before.size()];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = rate.applyAsDouble(after.get(i)) - rate.applyAsDouble(before.get(i));
    }
    Spread spread = Spread.of(differences);
    double error = spread.deviation() / Math.sqrt(differences.length);
    return Estimate.of(spread.mean(), error, differences.length - 1, CONFIDENCE);
  }

  private static List<OriginDifference> origins(
      Map<String, String> first, Map<String, String> second) {
    Set<String> names = new TreeSet<>(first.keySet());
    names.addAll(second.keySet());
    return names.stream()
        .map(
            name ->
                new OriginDifference(
                    name, first.getOrDefault(name, ""), second.getOrDefault(name, "")))
        .filter(one -> !one.first.equals(one.second))
        .toList();
  }

  private static List<String> without(SavedResults results, SavedResults others) {
    Set<String> left = pairs(results).collect(Collectors.toCollection(LinkedHashSet::new));
    pairs(others).forEach(left::remove);
    return List.copyOf(left);
  }

  private static Stream<String> pairs(SavedResults results) {
    return results.runs().stream().map(run -> run.setting() + ": " + run.method());
  }
}
