package dev.acclimate.simulate;

import static java.util.Comparator.comparingDouble;

import dev.acclimate.adapters.Method;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which method to use for a stream, if any: the one whose gain is the largest at the lower end of
 * its interval, if that is above 0. Intervals are those of {@link PairedGain}, widened for the
 * number of methods that are compared (Bonferroni), since the best of many looks better than it is.
 *
 * @param candidates all methods but the frozen model, by the lower end of their gain, best first
 * @param chosen the method; {@code source} where none is sure to help
 * @param text the same in words
 * @param settings what to put into the agent's configuration, YAML
 */
public record Verdict(List<Candidate> candidates, String chosen, String text, String settings) {
  private static final String FROZEN = "source";
  private static final double CONFIDENCE = 0.95;

  /** Of what harms, so many are named. */
  private static final int NAMED_HARMS = 3;

  /**
   * One method against the frozen model.
   *
   * @param method as the user wrote it
   * @param gain error rate of the frozen model less the method's, over the stream
   * @param low lower end of the interval of the gain
   * @param high upper end
   * @param risk the most errors beyond the frozen model's in any window, as a rate
   * @param window samples of that window
   * @param riskAt where that window begins: the setting's name where there are several, and the
   *     domain
   * @param cleanCost error rate beyond the frozen model's where nothing is done to the images, the
   *     most of all settings; NaN where there is no such domain
   * @param harms domains, or settings where there are several, in which it is surely worse than the
   *     frozen model, the worst first
   */
  public record Candidate(
      String method,
      double gain,
      double low,
      double high,
      double risk,
      int window,
      String riskAt,
      double cleanCost,
      List<Harm> harms) {
    public Candidate {
      harms = List.copyOf(harms);
    }
  }

  /**
   * Where a method is worse than the frozen model.
   *
   * @param where name of a domain or setting
   * @param cost error rate beyond the frozen model's
   */
  public record Harm(String where, double cost) {}

  public Verdict {
    candidates = List.copyOf(candidates);
  }

  /** The verdict on the methods of one setting. */
  public static Verdict on(Setting setting) {
    List<String> methods = setting.methods();
    long compared = methods.stream().filter(method -> !method.equals(FROZEN)).count();
    List<Candidate> candidates = new ArrayList<>();
    for (int m = 0; m < methods.size(); m++) {
      if (!methods.get(m).equals(FROZEN)) {
        candidates.add(candidate(setting, m, 1 - (1 - CONFIDENCE) / compared));
      }
    }
    return of(candidates, "this stream");
  }

  /**
   * The verdict over several settings, each with the same weight. They show the same images, so
   * that their gains err together: the interval's half-width is the mean of theirs, which is what
   * it comes to at most.
   *
   * @param verdicts by setting, of the same methods
   */
  public static Verdict overall(Map<Setting, Verdict> verdicts) {
    Map<String, Map<String, Candidate>> byMethod = new LinkedHashMap<>();
    verdicts.forEach(
        (setting, verdict) ->
            verdict.candidates.forEach(
                one ->
                    byMethod
                        .computeIfAbsent(one.method, unseen -> new LinkedHashMap<>())
                        .put(setting.name(), one)));
    return of(
        byMethod.values().stream().map(Verdict::average).toList(),
        "these %d settings on average".formatted(verdicts.size()));
  }

  private static Candidate average(Map<String, Candidate> bySetting) {
    List<Candidate> all = List.copyOf(bySetting.values());
    Map.Entry<String, Candidate> riskiest =
        Collections.max(bySetting.entrySet(), comparingDouble(one -> one.getValue().risk));
    return new Candidate(
        all.get(0).method,
        mean(all, Candidate::gain),
        mean(all, Candidate::low),
        mean(all, Candidate::high),
        riskiest.getValue().risk,
        riskiest.getValue().window,
        riskiest.getKey() + ", " + riskiest.getValue().riskAt,
        all.stream()
            .mapToDouble(Candidate::cleanCost)
            .filter(cost -> !Double.isNaN(cost))
            .max()
            .orElse(Double.NaN),
        bySetting.entrySet().stream()
            .filter(one -> one.getValue().high < 0)
            .map(one -> new Harm(one.getKey(), -one.getValue().gain))
            .sorted(comparingDouble(Harm::cost).reversed())
            .toList());
  }

  private static double mean(List<Candidate> all, ToDoubleFunction<Candidate> figure) {
    return all.stream().mapToDouble(figure).average().orElse(0);
  }

  private static Verdict of(List<Candidate> unsorted, String where) {
    List<Candidate> candidates =
        unsorted.stream().sorted(comparingDouble(Candidate::low).reversed()).toList();
    boolean adapt = !candidates.isEmpty() && candidates.get(0).low > 0;
    String chosen = adapt ? candidates.get(0).method : FROZEN;
    return new Verdict(candidates, chosen, text(candidates, adapt, where), settings(chosen));
  }

  private static Candidate candidate(Setting setting, int method, double confidence) {
    Estimate gain = PairedGain.of(setting, method, (log, i) -> true, confidence);
    Estimate clean = PairedGain.of(setting, method, StreamLog::isClean, CONFIDENCE);
    boolean anyClean =
        setting.trials().stream()
            .map(Trial::log)
            .anyMatch(log -> IntStream.range(0, log.size()).anyMatch(log::isClean));
    int riskiest = 0;
    for (int t = 1; t < setting.trials().size(); t++) {
      if (risk(setting, t, method).rate() > risk(setting, riskiest, method).rate()) {
        riskiest = t;
      }
    }
    StreamMetrics.Window risk = risk(setting, riskiest, method);
    StreamLog log = setting.trials().get(riskiest).log();
    return new Candidate(
        setting.methods().get(method),
        gain.mean(),
        gain.low(),
        gain.high(),
        risk.rate(),
        setting.metrics().get(riskiest).get(method).window(),
        log.size() == 0 ? "" : log.stretches().get(log.stretch(risk.from())).name(),
        anyClean ? -clean.mean() : Double.NaN,
        harms(setting, method));
  }

  private static StreamMetrics.Window risk(Setting setting, int trial, int method) {
    return setting.metrics().get(trial).get(method).risk();
  }

  private static List<Harm> harms(Setting setting, int method) {
    List<Harm> harms = new ArrayList<>();
    for (int d = 0; d < setting.domainNames().size(); d++) {
      int domain = d;
      Estimate gain =
          PairedGain.of(setting, method, (log, i) -> log.domain(i) == domain, CONFIDENCE);
      if (gain.high() < 0) {
        harms.add(new Harm(setting.domainNames().get(d), -gain.mean()));
      }
    }
    harms.sort(comparingDouble(Harm::cost).reversed());
    return harms;
  }

  private static String text(List<Candidate> candidates, boolean adapt, String where) {
    if (candidates.isEmpty()) {
      return "No method was compared with the frozen model.";
    }
    Candidate best = candidates.get(0);
    StringBuilder text = new StringBuilder();
    if (adapt) {
      text.append(
          "Use %s: it gains %s points on %s%s"
              .formatted(best.method, points(best.gain), where, interval(best)));
    } else if (candidates.stream().allMatch(one -> one.high < 0)) {
      text.append(
          "Stay frozen: every method loses on %s, %s the least: %s points%s"
              .formatted(where, best.method, points(best.gain), interval(best)));
    } else {
      text.append(
          "Stay frozen: no method is sure to help on %s; %s comes closest: %s points%s"
              .formatted(where, best.method, points(best.gain), interval(best)));
    }
    text.append(
        candidates.size() == 1
            ? "."
            : ", an interval that allows for %d methods.".formatted(candidates.size()));
    text.append(
        " Its risk: %s points against frozen in the worst %d samples (%s)"
            .formatted(points(-best.risk), best.window, best.riskAt));
    if (!Double.isNaN(best.cleanCost)) {
      text.append("; %s on clean data".formatted(points(-best.cleanCost)));
    }
    text.append('.');
    if (!best.harms.isEmpty()) {
      text.append(" It does harm in ").append(harmsText(best.harms)).append('.');
    }
    return text.toString();
  }

  private static String interval(Candidate one) {
    return Double.isFinite(one.low)
        ? " (%s to %s)".formatted(points(one.low), points(one.high))
        : " (too few samples for an interval)";
  }

  private static String harmsText(List<Harm> harms) {
    String named =
        harms.stream()
            .limit(NAMED_HARMS)
            .map(harm -> "%s (%s)".formatted(harm.where, points(-harm.cost)))
            .collect(Collectors.joining(", "));
    int more = harms.size() - NAMED_HARMS;
    return more > 0 ? named + " and " + more + " more" : named;
  }

  static String points(double rate) {
    double tenths = Math.round(1000 * rate) / 10.0; // no minus before what rounds to 0
    return String.format(Locale.ROOT, "%+.1f", tenths);
  }

  private static String settings(String chosen) {
    boolean guarded = chosen.endsWith(GuardRecord.SUFFIX);
    String method =
        guarded ? chosen.substring(0, chosen.length() - GuardRecord.SUFFIX.length()) : chosen;
    String line = "method: \"" + method + "\"\n" + (guarded ? "guard: {policy: rollback}\n" : "");
    Method parsed = Method.parse(method);
    return parsed.needsCalibration()
        ? line
            + "calibration: calibration.safetensors"
            + "  # acclimate calibrate MODEL --data SOURCE --components "
            + parsed.calibrationComponents()
            + " --out calibration.safetensors\n"
        : line;
  }
}
