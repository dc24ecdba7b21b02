package dev.acclimate.simulate.report;

import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.SimulationReport;
import dev.acclimate.simulate.Verdict;
import dev.acclimate.simulate.Verdict.Candidate;
import java.util.List;
import java.util.stream.IntStream;

/** All settings at a glance: error rates over the stream, methods side by side. */
final class Overview {
  private static final String FROZEN = "source";

  private final SimulationReport report;
  private final List<MethodKey> keys;

  Overview(SimulationReport report, List<MethodKey> keys) {
    this.report = report;
    this.keys = keys;
  }

  void write(Markup page) {
    page.open("p", "class", "note")
        .text("Wrong answers in % over the whole stream. The best of each row is ")
        .element("span", "marked", "class", "best")
        .text("; ")
        .element("span", "more errors", "class", "worse")
        .text(" than the frozen model's, as far as the samples can tell.")
        .close();
    page.open("div", "class", "wide", "tabindex", "0", "role", "region", "aria-label", "overview")
        .open("table", "class", "sortable overview")
        .open("thead")
        .open("tr")
        .element("th", "setting", "scope", "col");
    for (MethodKey key : keys) {
      page.open("th", "scope", "col", "title", key.method());
      page.element("span", "", "class", "key " + key.style());
      page.name(key.label()).close();
    }
    page.element("th", "verdict", "scope", "col", "class", "words");
    page.element("th", "gain", "scope", "col");
    page.close().close().open("tbody");
    List<Setting> settings = report.settings();
    for (int s = 0; s < settings.size(); s++) {
      row(page, settings.get(s), "#setting-" + s);
    }
    page.close().close().close();
  }

  private void row(Markup page, Setting setting, String address) {
    Verdict verdict = report.verdict(setting);
    page.open("tr").open("th", "scope", "row").element("a", setting.name(), "href", address);
    page.close();
    double best =
        IntStream.range(0, keys.size())
            .mapToDouble(m -> setting.errorRate(m).mean())
            .min()
            .orElse(0);
    for (int m = 0; m < keys.size(); m++) {
      double rate = setting.errorRate(m).mean();
      String mark = rate <= best ? "best" : harms(verdict, keys.get(m)) ? "worse" : "";
      page.open("td", "class", mark, "data-sort", Double.toString(rate));
      page.element("span", Figures.percent(rate), "class", "figure").close();
    }
    boolean frozen = verdict.chosen().equals(FROZEN);
    page.open("td", "class", "words");
    if (frozen) {
      page.text("stay frozen").close().element("td", Figures.NONE, "data-sort", "0");
    } else {
      Candidate chosen = verdict.candidates().get(0);
      page.open("code").name(verdict.chosen()).close().close();
      page.element(
          "td", Figures.points(chosen.gain()), "data-sort", Double.toString(chosen.gain()));
    }
    page.close();
  }

  private static boolean harms(Verdict verdict, MethodKey key) {
    return verdict.candidates().stream()
        .anyMatch(one -> one.method().equals(key.method()) && one.high() < 0);
  }
}
