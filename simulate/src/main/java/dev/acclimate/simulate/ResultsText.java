package dev.acclimate.simulate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** What a simulation found, as tables that line up, and the verdict. */
final class ResultsText {
  /** Of domains; where there are more, those that come again share a column. */
  private static final int MOST_COLUMNS = 20;

  private ResultsText() {}

  static String of(SimulationReport report) {
    StringBuilder text = new StringBuilder();
    for (Setting setting : report.settings()) {
      if (report.settings().size() > 1 || setting.trials().size() > 1) {
        text.append(setting.name());
        int seeds = setting.trials().size();
        text.append(seeds > 1 ? ", mean +-sd of " + seeds + " seeds\n\n" : "\n\n");
      }
      text.append(table(setting)).append(GuardText.of(setting)).append('\n');
      text.append(report.verdict(setting).text()).append("\n\n");
    }
    if (report.settings().size() > 1) {
      overview(text, report.settings());
      text.append(report.verdict().text()).append("\n\n");
    }
    return text.toString();
  }

  /** A column: a domain, or its visits together where there would be too many columns. */
  private record Column(String name, List<Integer> domains) {
    static List<Column> of(List<String> domains) {
      Map<String, List<Integer>> columns = new LinkedHashMap<>();
      for (int d = 0; d < domains.size(); d++) {
        String name = domains.get(d);
        String shown = domains.size() > MOST_COLUMNS ? name.replaceAll(" \\(\\d+\\)$", "") : name;
        columns.computeIfAbsent(shown, unseen -> new ArrayList<>()).add(d);
      }
      return columns.entrySet().stream()
          .map(column -> new Column(column.getKey(), column.getValue()))
          .toList();
    }

    Spread errorRate(Setting setting, int method) {
      return setting.spread(
          method,
          metrics ->
              domains.stream()
                  .mapToDouble(d -> metrics.domains().get(d).errorRate())
                  .average()
                  .orElse(0));
    }
  }

  private static String table(Setting setting) {
    List<Column> columns = Column.of(setting.domainNames());
    DomainHeads heads = DomainHeads.of(columns.stream().map(Column::name).toList());
    boolean seeds = setting.trials().size() > 1;
    boolean spreads = seeds && heads.legend().isEmpty();
    List<String> header = new ArrayList<>(List.of("error %"));
    header.addAll(heads.heads());
    header.addAll(List.of("all", "samples/s", "state KiB"));
    List<List<String>> rows = new ArrayList<>(List.of(header));
    for (int m = 0; m < setting.methods().size(); m++) {
      List<String> row = new ArrayList<>(List.of(setting.methods().get(m)));
      for (Column column : columns) {
        row.add(cell(column.errorRate(setting, m), spreads));
      }
      row.add(cell(setting.errorRate(m), seeds));
      row.add(String.format(Locale.ROOT, "%.0f", setting.samplesPerSecond(m)));
      long bytes = setting.trials().get(0).runs().get(m).stateBytes();
      row.add(String.format(Locale.ROOT, "%.1f", bytes / 1024.0));
      rows.add(row);
    }
    boolean together = columns.size() < setting.domainNames().size();
    return TextTable.of(rows) + heads.legend() + (together ? "visits of a domain together\n" : "");
  }

  private static String cell(Spread rate, boolean withDeviation) {
    String mean = SimulationReport.percent(rate.mean());
    return withDeviation ? mean + " +-" + SimulationReport.percent(rate.deviation()) : mean;
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
