package dev.acclimate.simulate.report;

import dev.acclimate.simulate.OutputFolder;
import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.SimulationReport;
import dev.acclimate.simulate.Trial;
import dev.acclimate.simulate.Verdict;
import java.util.List;
import java.util.Map;

/**
 * A simulation's result as one page: opens from disk, needs no network, and runs nothing but its
 * own script, without which all of it can be read too.
 */
public final class HtmlReport {
  private static final String COMMAND = "command";

  private final SimulationReport report;
  private final List<MethodKey> keys;
  private final Markup page = new Markup();

  private HtmlReport(SimulationReport report) {
    this.report = report;
    this.keys = MethodKey.of(report.settings().get(0).methods());
  }

  /** The page. */
  public static String of(SimulationReport report) {
    HtmlReport html = new HtmlReport(report);
    html.write();
    return html.page.toString();
  }

  /**
   * Writes {@code report.html}.
   *
   * @throws dev.acclimate.models.InvalidInputException when the folder cannot be written to
   */
  public static void write(SimulationReport report, OutputFolder folder) {
    folder.write("report.html", of(report));
  }

  private void write() {
    PageAssets assets = PageAssets.load();
    Headline headline = Headline.of(report);
    open(page, assets, "Acclimate: " + report.model());
    page.open("header");
    page.element("p", "Acclimate: does adaptation help?", "class", "brand");
    page.open("h1").name(headline.title()).close();
    page.open("p", "class", "lead").name(headline.rest()).close();
    facts();
    page.close();
    List<Setting> settings = report.settings();
    if (settings.size() > 1) {
      page.open("section").element("h2", "All settings");
      new Overview(report, keys).write(page);
      page.close();
      tabs(settings);
    }
    for (int s = 0; s < settings.size(); s++) {
      setting(settings.get(s), s);
    }
    shift();
    page.open("section").element("h2", "What the domains look like");
    new Gallery(report.profile()).write(page);
    page.close();
    provenance();
    close(page, assets);
  }

  /** Begins a page of ours, up to what it has to tell. */
  static void open(Markup page, PageAssets assets, String title) {
    page.open("html", "lang", "en").open("head");
    page.open("meta", "charset", "utf-8");
    page.open("meta", "http-equiv", "Content-Security-Policy", "content", assets.policy());
    page.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.open("meta", "name", "color-scheme", "content", "light dark");
    page.open("link", "rel", "icon", "href", "data:,");
    page.element("title", title);
    page.verbatim("style", assets.style()).close().open("body").open("main");
  }

  /** Ends it. */
  static void close(Markup page, PageAssets assets) {
    page.close().verbatim("script", assets.script()).close().close();
  }

  private void facts() {
    Trial trial = report.settings().get(0).trials().get(0);
    int seeds = report.settings().get(0).trials().size();
    page.open("ul", "class", "facts");
    fact("model", report.model());
    Map<String, String> provenance = report.provenance();
    if (provenance.containsKey("data")) {
      fact("data", provenance.getOrDefault("data", ""));
    }
    fact("domains", Figures.whole(trial.log().domains().size()));
    fact("samples a stream", Figures.whole(trial.log().size()));
    fact("methods", Figures.whole(keys.size()));
    fact("settings", Figures.whole(report.settings().size()));
    fact("seeds", Figures.whole(seeds));
    page.close();
  }

  private void fact(String name, String value) {
    page.open("li").element("span", name, "class", "name");
    page.open("span", "class", "value").name(value).close().close();
  }

  private void tabs(List<Setting> settings) {
    page.open("nav", "class", "tabs", "aria-label", "settings");
    for (int s = 0; s < settings.size(); s++) {
      page.element("a", settings.get(s).name(), "href", "#setting-" + s);
    }
    page.close();
  }

  private void setting(Setting setting, int index) {
    Verdict verdict = report.verdict(setting);
    page.open("section", "class", "setting", "id", "setting-" + index);
    page.element("h2", setting.name());
    if (report.settings().size() > 1) {
      page.open("p", "class", "verdict").name(verdict.text()).close();
    }
    page.element("h3", "Errors by domain");
    new ErrorTable(setting, keys).write(page);
    page.element("h3", "Accuracy along the stream");
    new StreamChart(setting, keys).write(page);
    page.element("h3", "Gain, risk and cost");
    new BehaviourTable(setting, verdict, keys).write(page);
    page.open("div", "class", "columns");
    page.open("div").element("h3", "How sure, and how often right");
    page.element(
        "p",
        "A method on the diagonal is right as often as it says; below it, it is too sure of itself.",
        "class",
        "note");
    new ReliabilityChart(setting, keys).write(page);
    page.close();
    page.open("div").element("h3", "For the agent's configuration");
    page.element(
        "p",
        "What the verdict on this setting comes to, for the file that run --config reads.",
        "class",
        "note");
    copyable(verdict.settings().strip());
    page.close().close().close();
  }

  private void shift() {
    HeatMap map = new HeatMap(report.profile());
    if (!map.isEmpty()) {
      page.open("section").element("h2", "Where the shift is");
      map.write(page);
      page.close();
    }
  }

  private void provenance() {
    page.open("section").element("h2", "To repeat this");
    String command = report.provenance().get(COMMAND);
    if (command != null) {
      copyable(command);
    }
    page.open("dl", "class", "provenance");
    entry("model", report.model());
    List<Trial> trials = report.settings().stream().flatMap(one -> one.trials().stream()).toList();
    entry(
        "seeds",
        String.join(", ", trials.stream().map(one -> "" + one.seed()).distinct().toList()));
    report
        .provenance()
        .forEach(
            (name, value) -> {
              if (!name.equals(COMMAND)) {
                entry(name.replace('_', ' '), value);
              }
            });
    page.close().close();
  }

  private void copyable(String text) {
    page.open("div", "class", "copyable").element("pre", text);
    page.element("button", "copy", "type", "button", "hidden", "").close();
  }

  private void entry(String name, String value) {
    page.element("dt", name).element("dd", value);
  }
}
