package dev.acclimate.simulate;

import java.util.Arrays;
import java.util.Locale;

/** A simulation's result as one page that needs nothing but itself. */
final class HtmlReport {
  private static final String STYLE =
      """
      :root { color-scheme: light dark; --line: #8884; --best: #2e7d3233; --bar: #3b82f6; }
      body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
             padding: 0 1rem; }
      .wide { overflow-x: auto; }
      table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
      th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
      th:first-child, td:first-child { text-align: left; font-family: ui-monospace, monospace;
             min-width: 9rem; overflow-wrap: anywhere; }
      td.best { background: var(--best); font-weight: 600; }
      .bar { display: block; height: .3rem; background: var(--bar); border-radius: .15rem; }
      dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
      dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
      """;

  private HtmlReport() {}

  static String of(SimulationReport report) {
    StringBuilder page = new StringBuilder();
    page.append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .append("<title>Acclimate: ")
        .append(escape(report.model()))
        .append("</title>\n<style>\n")
        .append(STYLE)
        .append("</style>\n</head>\n<body>\n<h1>Does adaptation help?</h1>\n")
        .append("<p>Wrong answers in percent, methods by domains; the best of each is marked.")
        .append(" Lower is better.</p>\n");
    Trial trial = report.trials().get(0);
    report.settings().forEach(setting -> table(page, setting));
    page.append("<h2>How this was made</h2>\n<dl>\n");
    entry(page, "model", report.model());
    entry(page, "seed", Long.toString(trial.seed()));
    entry(page, "batch size", Integer.toString(trial.batchSize()));
    entry(page, "order", trial.order());
    entry(page, "domains", trial.domains());
    report.provenance().forEach((key, value) -> entry(page, key, value));
    return page.append("</dl>\n</body>\n</html>\n").toString();
  }

  private static void table(StringBuilder page, Setting setting) {
    int domains = setting.domainNames().size();
    double[] best = new double[domains + 1];
    Arrays.fill(best, Double.MAX_VALUE);
    for (int m = 0; m < setting.methods().size(); m++) {
      for (int d = 0; d < domains; d++) {
        best[d] = Math.min(best[d], setting.errorRate(m, d).mean());
      }
      best[domains] = Math.min(best[domains], setting.errorRate(m).mean());
    }
    page.append("<h2>").append(escape(setting.name())).append("</h2>\n");
    page.append("<div class=\"wide\"><table>\n<thead><tr><th>method</th>");
    for (String domain : setting.domainNames()) {
      page.append("<th>").append(escape(domain)).append("</th>");
    }
    page.append("<th>all</th></tr></thead>\n<tbody>\n");
    for (int m = 0; m < setting.methods().size(); m++) {
      page.append("<tr><td>").append(escape(setting.methods().get(m))).append("</td>");
      for (int d = 0; d < domains; d++) {
        cell(page, setting.errorRate(m, d).mean(), best[d]);
      }
      cell(page, setting.errorRate(m).mean(), best[domains]);
      page.append("</tr>\n");
    }
    page.append("</tbody>\n</table></div>\n");
  }

  private static void cell(StringBuilder page, double rate, double best) {
    page.append(rate <= best ? "<td class=\"best\">" : "<td>")
        .append(SimulationReport.percent(rate))
        .append("<span class=\"bar\" style=\"width:")
        .append(String.format(Locale.ROOT, "%.1f", 100 * rate))
        .append("%\"></span></td>");
  }

  private static void entry(StringBuilder page, String name, String value) {
    page.append("<dt>")
        .append(escape(name))
        .append("</dt><dd>")
        .append(escape(value))
        .append("</dd>\n");
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
