package dev.acclimate.simulate.report;

import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.SimulationReport;
import dev.acclimate.simulate.Verdict;
import dev.acclimate.simulate.Verdict.Candidate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The verdict in words.
 *
 * @param title one sentence
 * @param rest what else there is to say
 */
record Headline(String title, String rest) {
  private static final String FROZEN = "source";

  static Headline of(SimulationReport report) {
    List<Setting> settings = report.settings();
    if (settings.size() == 1) {
      return of(report.verdict(settings.get(0)));
    }
    Map<String, Integer> chosen = new LinkedHashMap<>();
    settings.forEach(setting -> chosen.merge(report.verdict(setting).chosen(), 1, Integer::sum));
    int frozen = chosen.getOrDefault(FROZEN, 0);
    int count = settings.size();
    String title;
    if (frozen == count) {
      title = "Stay frozen: no method is sure to help in any of %d settings.".formatted(count);
    } else if (frozen == 0) {
      title = "Adaptation pays in all %d settings.".formatted(count);
    } else {
      title = "Adaptation pays in %d of %d settings.".formatted(count - frozen, count);
    }
    List<String> counts = new ArrayList<>();
    chosen.forEach(
        (method, times) ->
            counts.add((method.equals(FROZEN) ? "stay frozen" : method) + " in " + times));
    return new Headline(title, "Best: " + String.join(", ", counts) + "." + steady(report));
  }

  private static Headline of(Verdict verdict) {
    String[] sentences = verdict.text().split("(?<=\\.) ", 2);
    return new Headline(sentences[0], sentences.length > 1 ? sentences[1] : "");
  }

  /** The method with the highest gain on average out of those that are sure to harm nowhere. */
  private static String steady(SimulationReport report) {
    Map<String, List<Candidate>> byMethod = new LinkedHashMap<>();
    for (Setting setting : report.settings()) {
      for (Candidate candidate : report.verdict(setting).candidates()) {
        byMethod.computeIfAbsent(candidate.method(), unseen -> new ArrayList<>()).add(candidate);
      }
    }
    String best = "";
    double highest = 0;
    double lowest = 0;
    for (Map.Entry<String, List<Candidate>> entry : byMethod.entrySet()) {
      double mean = entry.getValue().stream().mapToDouble(Candidate::gain).average().orElse(0);
      if (entry.getValue().stream().allMatch(one -> one.high() >= 0) && mean > highest) {
        best = entry.getKey();
        highest = mean;
        lowest = entry.getValue().stream().mapToDouble(Candidate::gain).min().orElse(0);
      }
    }
    return best.isEmpty()
        ? " No method is free of harm in all of them."
        : " One for all of them: %s, %s points on average, %s where it does least."
            .formatted(best, Figures.points(highest), Figures.points(lowest));
  }
}
