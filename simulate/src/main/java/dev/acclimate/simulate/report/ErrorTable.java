package dev.acclimate.simulate.report;

import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.Spread;
import java.util.List;

/** Error rates of one setting, methods by domains. */
final class ErrorTable {
  /** In place of a domain's index: all of the stream. */
  private static final int ALL = -1;

  private final Setting setting;
  private final List<MethodKey> keys;

  ErrorTable(Setting setting, List<MethodKey> keys) {
    this.setting = setting;
    this.keys = keys;
  }

  void write(Markup page) {
    int seeds = setting.trials().size();
    int domains = setting.domainNames().size();
    page.open("p", "class", "note")
        .text("Wrong answers in %" + (seeds > 1 ? ", mean ± deviation over the seeds" : ""))
        .text("; lower is better. The best of each column is ")
        .element("span", "marked", "class", "best")
        .text(", what the samples cannot tell from it ")
        .element("span", "underlined", "class", "alike")
        .text(" (within two standard errors, over blocks of consecutive samples).")
        .close();
    page.open(
            "div", "class", "wide", "tabindex", "0", "role", "region", "aria-label", "error rates")
        .open("table", "class", "sortable errors")
        .open("thead")
        .open("tr")
        .element("th", "method", "scope", "col");
    for (String domain : setting.domainNames()) {
      page.open("th", "scope", "col").name(domain).close();
    }
    page.element("th", "all", "scope", "col", "class", "all").close().close().open("tbody");
    int[] best = new int[domains + 1];
    for (int d = 0; d <= domains; d++) {
      best[d] = best(d == domains ? ALL : d);
    }
    for (int m = 0; m < keys.size(); m++) {
      page.open("tr").open("th", "scope", "row");
      keys.get(m).write(page);
      page.close();
      for (int d = 0; d <= domains; d++) {
        cell(page, m, d == domains ? ALL : d, best[d], seeds);
      }
      page.close();
    }
    page.close().close().close();
  }

  private void cell(Markup page, int method, int domain, int best, int seeds) {
    Spread rate = rate(method, domain);
    String mark = "";
    if (rate.mean() <= rate(best, domain).mean()) {
      mark = "best";
    } else if (PairedBlocks.alike(setting, method, best, domain)) {
      mark = "alike";
    }
    String side = domain == ALL ? " all" : "";
    page.open("td", "class", (mark + side).strip(), "data-sort", Double.toString(rate.mean()))
        .open("span", "class", "figure")
        .text(Figures.percent(rate.mean()))
        .close();
    if (seeds > 1) {
      page.open("span", "class", "spread").text(" ±" + Figures.percent(rate.deviation())).close();
    }
    page.close();
  }

  private int best(int domain) {
    int best = 0;
    for (int m = 1; m < keys.size(); m++) {
      best = rate(m, domain).mean() < rate(best, domain).mean() ? m : best;
    }
    return best;
  }

  private Spread rate(int method, int domain) {
    return domain == ALL ? setting.errorRate(method) : setting.errorRate(method, domain);
  }
}
