package dev.acclimate.simulate;

import dev.acclimate.adapters.guard.GuardEvent.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What guards made of their methods, as a table. */
final class GuardText {
  /** Samples that no guarded method may be much worse in than the frozen model. */
  private static final int WINDOW = 1000;

  private GuardText() {}

  /** The table of all methods with a guard and those without, empty where none had one. */
  static String of(Setting setting) {
    boolean none = setting.trials().get(0).runs().stream().allMatch(run -> run.guard() == null);
    if (none) {
      return "";
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "guard",
            "error %",
            "worst 1,000 against frozen",
            "adapted answers %",
            "frozen beside %",
            "trusted",
            "fell back",
            "held",
            "rolled back"));
    for (int m = 0; m < setting.methods().size(); m++) {
      rows.add(row(setting, m));
    }
    return "\n" + TextTable.of(rows);
  }

  private static List<String> row(Setting setting, int method) {
    double worst =
        setting.trials().stream()
            .mapToDouble(
                trial ->
                    StreamMetrics.risk(
                            trial.log(),
                            trial.runs().get(method).answers(),
                            trial.frozen().answers(),
                            WINDOW)
                        .rate())
            .max()
            .orElse(0);
    List<String> row = new ArrayList<>();
    row.add(setting.methods().get(method));
    row.add(SimulationReport.percent(setting.errorRate(method).mean()));
    row.add(Verdict.points(worst));
    List<GuardRecord> records = new ArrayList<>();
    for (Trial trial : setting.trials()) {
      GuardRecord record = trial.runs().get(method).guard();
      if (record != null) {
        records.add(record);
      }
    }
    if (records.isEmpty()) {
      row.addAll(List.of("", "", "", "", "", ""));
      return row;
    }
    row.add(percent(records.stream().mapToDouble(GuardRecord::adaptedAnswers).average().orElse(0)));
    row.add(percent(records.stream().mapToDouble(GuardRecord::frozenRuns).average().orElse(0)));
    for (Kind kind : List.of(Kind.TRUSTED, Kind.FELL_BACK, Kind.HELD, Kind.ROLLED_BACK)) {
      row.add(Long.toString(records.stream().mapToLong(record -> record.count(kind)).sum()));
    }
    return row;
  }

  private static String percent(double part) {
    return String.format(Locale.ROOT, "%.0f", 100 * part);
  }
}
