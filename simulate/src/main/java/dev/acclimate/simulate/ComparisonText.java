package dev.acclimate.simulate;

import dev.acclimate.simulate.Comparison.MethodDifference;
import dev.acclimate.simulate.Comparison.OriginDifference;
import dev.acclimate.simulate.Comparison.SettingDifference;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A comparison as tables that line up: methods by domains, in points. */
final class ComparisonText {
  private static final String NONE = "-";

  private ComparisonText() {}

  static String of(Comparison comparison) {
    StringBuilder text = new StringBuilder();
    text.append("A: ").append(comparison.first()).append('\n');
    text.append("B: ").append(comparison.second()).append("\n\n");
    for (SettingDifference setting : comparison.settings()) {
      text.append(setting.setting()).append("\n\n").append(table(setting)).append('\n');
    }
    text.append(
        comparison.settings().isEmpty()
            ? "The two have no method on the same kind of stream with the same seed in common.\n"
            : "Error rate of B less that of A in points: below 0, B is better. * the sign is sure:"
                + " the 95 % interval\nover the seeds, the +- beside all, does not hold 0.\n");
    origins(text, comparison.origins());
    only(text, "Only in A:", comparison.onlyFirst());
    only(text, "Only in B:", comparison.onlySecond());
    return text.toString();
  }

  private static String table(SettingDifference setting) {
    List<String> domains = setting.domains();
    DomainHeads heads = DomainHeads.of(domains);
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("B - A"));
    header.addAll(heads.heads());
    header.addAll(List.of("all", "+-", "seeds"));
    rows.add(header);
    for (MethodDifference method : setting.methods()) {
      List<String> row = new ArrayList<>(List.of(method.method()));
      for (String domain : domains) {
        Estimate difference = method.domains().get(domain);
        row.add(difference == null ? NONE : points(difference));
      }
      row.add(points(method.all()));
      double half = method.all().high() - method.all().mean();
      row.add(Double.isFinite(half) ? String.format(Locale.ROOT, "%.1f", 100 * half) : NONE);
      row.add(Integer.toString(method.seeds()));
      rows.add(row);
    }
    return TextTable.of(rows) + heads.legend();
  }

  private static String points(Estimate difference) {
    return Verdict.points(difference.mean()) + (difference.isDistinct() ? "*" : "");
  }

  private static void origins(StringBuilder text, List<OriginDifference> origins) {
    text.append(origins.isEmpty() ? "\nBoth come from the same model, data and command.\n" : "");
    for (OriginDifference one : origins) {
      text.append('\n').append(one.name()).append('\n');
      text.append("  A ").append(one.first().isEmpty() ? NONE : one.first()).append('\n');
      text.append("  B ").append(one.second().isEmpty() ? NONE : one.second()).append('\n');
    }
  }

  private static void only(StringBuilder text, String title, List<String> runs) {
    if (!runs.isEmpty()) {
      text.append('\n').append(title).append('\n');
      runs.forEach(run -> text.append("  ").append(run).append('\n'));
    }
  }
}
