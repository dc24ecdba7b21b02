package dev.acclimate.simulate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * One way to lay a stream out, and its trials, one a seed.
 *
 * @param domains how domains follow one another
 * @param order of samples within a domain
 * @param batchSize samples a batch
 * @param trials at least one; all of the same methods
 * @param metrics {@code [trial][method]}
 */
public record Setting(
    String domains,
    String order,
    int batchSize,
    List<Trial> trials,
    List<List<StreamMetrics>> metrics) {

  public Setting {
    trials = List.copyOf(trials);
    metrics = metrics.stream().map(List::copyOf).toList();
  }

  /** Trials by setting, in the order in which settings first come. */
  public static List<Setting> group(List<Trial> trials) {
    Map<String, List<Trial>> groups = new LinkedHashMap<>();
    for (Trial trial : trials) {
      String key = trial.domains() + '\0' + trial.order() + '\0' + trial.batchSize();
      groups.computeIfAbsent(key, unseen -> new ArrayList<>()).add(trial);
    }
    return groups.values().stream().map(Setting::of).toList();
  }

  private static Setting of(List<Trial> trials) {
    Trial first = trials.get(0);
    List<List<StreamMetrics>> metrics = new ArrayList<>();
    for (Trial trial : trials) {
      metrics.add(
          trial.runs().stream()
              .map(run -> StreamMetrics.of(trial.log(), run.answers(), trial.frozen().answers()))
              .toList());
    }
    return new Setting(first.domains(), first.order(), first.batchSize(), trials, metrics);
  }

  /** A short name, such as {@code continual, dirichlet, batch 64}. */
  public String name() {
    return name(domains, order, batchSize);
  }

  static String name(String domains, String order, int batchSize) {
    return domains + ", " + order + ", batch " + batchSize;
  }

  /** The methods, as the user wrote them. */
  public List<String> methods() {
    return trials.get(0).runs().stream().map(MethodRun::method).toList();
  }

  /** The domains' names. */
  public List<String> domainNames() {
    return trials.get(0).log().domains();
  }

  /** A figure of one method over the seeds. */
  public Spread spread(int method, ToDoubleFunction<StreamMetrics> figure) {
    return Spread.of(
        metrics.stream().mapToDouble(trial -> figure.applyAsDouble(trial.get(method))).toArray());
  }

  /** One method's error rate in one domain. */
  public Spread errorRate(int method, int domain) {
    return spread(method, one -> one.domains().get(domain).errorRate());
  }

  /** One method's error rate over all. */
  public Spread errorRate(int method) {
    return spread(method, StreamMetrics::errorRate);
  }

  /** Samples a second in the model, over all seeds. */
  public double samplesPerSecond(int method) {
    double seconds = trials.stream().mapToDouble(trial -> trial.runs().get(method).seconds()).sum();
    return trials.stream().mapToLong(trial -> trial.log().size()).sum() / Math.max(seconds, 1e-9);
  }
}
