package dev.acclimate.simulate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** What a simulation found, as tables that line up, and the verdict. */
final class ResultsText {
  private ResultsText() {}

  static String of(SimulationReport report) {
    StringBuilder text = new StringBuilder();
    for (Setting setting : report.settings()) {
      if (report.settings().size() > 1 || setting.trials().size() > 1) {
        text.append(setting.name());
        int seeds = setting.trials().size();
        text.append(seeds > 1 ? ", mean of " + seeds + " seeds\n\n" : "\n\n");
      }
      text.append(table(setting)).append('\n');
      text.append(report.verdict(setting).text()).append("\n\n");
    }
    if (report.settings().size() > 1) {
      overview(text, report.settings());
    }
    return text.toString();
  }

  private static String table(Setting setting) {
    boolean spread = setting.trials().size() > 1;
    List<String> header = new ArrayList<>(List.of("error %"));
    DomainHeads heads = DomainHeads.of(setting.domainNames());
    header.addAll(heads.heads());
    header.add("all");
    if (spread) {
      header.add("sd");
    }
    header.add("samples/s");
    List<List<String>> rows = new ArrayList<>(List.of(header));
    for (int m = 0; m < setting.methods().size(); m++) {
      List<String> row = new ArrayList<>(List.of(setting.methods().get(m)));
      for (int d = 0; d < setting.domainNames().size(); d++) {
        row.add(SimulationReport.percent(setting.errorRate(m, d).mean()));
      }
      row.add(SimulationReport.percent(setting.errorRate(m).mean()));
      if (spread) {
        row.add(SimulationReport.percent(setting.errorRate(m).deviation()));
      }
      row.add(String.format(Locale.ROOT, "%.0f", setting.samplesPerSecond(m)));
      rows.add(row);
    }
    return TextTable.of(rows) + heads.legend();
  }

  /** Clean data and the mean of all other domains, settings side by side. */
  private static void overview(StringBuilder text, List<Setting> settings) {
    text.append("clean / mean of the other domains, error %\n\n");
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("setting"));
    List<String> methods = settings.get(0).methods();
    IntStream.rangeClosed(1, methods.size()).forEach(m -> header.add("(" + m + ")"));
    rows.add(header);
    for (Setting setting : settings) {
      List<String> row = new ArrayList<>(List.of(setting.name()));
      for (int m = 0; m < methods.size(); m++) {
        row.add(cell(setting, m));
      }
      rows.add(row);
    }
    text.append(TextTable.of(rows)).append('\n');
    for (int m = 0; m < methods.size(); m++) {
      text.append('(').append(m + 1).append(") ").append(methods.get(m)).append('\n');
    }
    text.append('\n');
  }

  private static String cell(Setting setting, int method) {
    int clean = setting.domainNames().indexOf("none");
    double[] others =
        IntStream.range(0, setting.domainNames().size())
            .filter(d -> d != clean)
            .mapToDouble(d -> setting.errorRate(method, d).mean())
            .toArray();
    String first =
        clean < 0 ? "-" : SimulationReport.percent(setting.errorRate(method, clean).mean());
    return first
        + " / "
        + (others.length == 0
            ? "-"
            : SimulationReport.percent(Arrays.stream(others).average().orElse(0)));
  }
}
