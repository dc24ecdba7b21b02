package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;

/** A report of a real run, opened from disk in a real browser. */
class ReportTest {
  private static final List<String> METHODS =
      List.of("source", "alpha-bn", "unmix-tns", "unmix-tns[components=4;momentum=0.5]");
  private static final List<String> DOMAINS = List.of("none", "gaussian_noise", "contrast");

  @TempDir private static Path folder;
  private static Browser browser;
  private static Path report;
  private static JsonNode results;

  @BeforeAll
  static void simulateAndStartTheBrowser() throws IOException {
    boolean installed = Browser.isInstalled();
    if ("true".equals(System.getenv("CI"))) {
      assertThat(installed).as("chromium and chromedriver on the path").isTrue();
    }
    assumeTrue(installed, "no chromium and chromedriver on the path");
    CommandLineRun run =
        CommandLineRun.of(
            "simulate",
            "--data",
            "builtin:128",
            "--methods",
            String.join(",", METHODS),
            "--corruptions",
            String.join(",", DOMAINS),
            "--domains",
            "continual",
            "--order",
            "dirichlet,iid",
            "--batch-size",
            "32",
            "--seeds",
            "2",
            "--out",
            folder.resolve("out").toString());
    assertThat(run.exitCode()).as(run.err()).isZero();
    report = folder.resolve("out").resolve("report.html");
    results = new ObjectMapper().readTree(folder.resolve("out").resolve("results.json").toFile());
    browser = Browser.start(folder.resolve("profile"));
  }

  @AfterAll
  static void closeTheBrowser() {
    if (browser != null) {
      browser.close();
    }
  }

  @ParameterizedTest
  @CsvSource({"1280, light", "1280, dark", "400, light", "400, dark"})
  void isReadableOnAnyScreenAndAsksForNothing(int width, String scheme) {
    browser.open(report.toUri(), width, scheme);

    assertThat(browser.console()).isEmpty();
    assertThat(browser.requests()).containsOnly(report.toUri().toString());
    assertThat(browser.run("return document.documentElement.clientWidth")).isEqualTo((long) width);
    assertThat(browser.run("return document.documentElement.scrollWidth"))
        .as("width of the page")
        .isEqualTo((long) width);
    assertThat(browser.faintTexts()).isEmpty();
    assertThat(
            browser.run(
                "return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"))
        .isEqualTo(scheme);
  }

  @Test
  void saysWhatWasFound() {
    browser.open(report.toUri(), 1280, "light");
    String text = browser.first("main").getText();

    assertThat(browser.first("h1").getText()).contains("settings");
    JsonNode verdict = results.get("summary").get(0).get("verdict");
    assertThat(text).contains(verdict.get("text").textValue());
    assertThat(text).contains(verdict.get("settings").textValue().strip());
    assertThat(text).contains(METHODS).contains(DOMAINS);
    assertThat(text).contains(results.get("provenance").get("command").textValue());
    JsonNode errors = results.get("summary").get(0).get("methods");
    for (int m = 0; m < METHODS.size(); m++) {
      List<String> row =
          browser
              .all(".setting:not([hidden]) .errors tbody tr")
              .get(m)
              .findElements(By.cssSelector(".figure"))
              .stream()
              .map(WebElement::getText)
              .toList();
      assertThat(row).hasSize(DOMAINS.size() + 1);
      for (int d = 0; d < DOMAINS.size(); d++) {
        double rate = errors.get(m).get("domains").get(d).get("error_rate").doubleValue();
        assertThat(row.get(d)).isEqualTo("%.1f".formatted(100 * rate));
      }
    }
  }

  @Test
  void drawsEveryMethodDomainAndSite() {
    browser.open(report.toUri(), 1280, "light");

    List<WebElement> lines = browser.all("#setting-0 .drawing:not(.square) polyline");
    assertThat(lines).hasSize(METHODS.size());
    for (WebElement line : lines) {
      String[] points = line.getDomAttribute("points").split(" ");
      assertThat(points.length).isGreaterThan(100);
      assertThat(points).as("not a flat line").anyMatch(p -> !at(p).equals(at(points[50])));
    }
    assertThat(browser.all("#setting-0 .band-name"))
        .extracting(WebElement::getText)
        .containsExactlyElementsOf(DOMAINS);
    assertThat(browser.all("img.strip")).hasSize(DOMAINS.size());
    assertThat(
            browser.run(
                "return [...document.images].every(one => one.complete && one.naturalWidth > 0)"))
        .isEqualTo(true);
    int sites = results.get("site_shift").get("sites").size();
    assertThat(sites).isPositive();
    assertThat(browser.all(".heat tbody td")).hasSize(sites * DOMAINS.size());
  }

  /** The vertical place of a point. */
  private static String at(String point) {
    return point.substring(point.indexOf(',') + 1);
  }

  @Test
  void showsOneSettingAtATime() {
    browser.open(report.toUri(), 1280, "light");
    WebElement first = browser.first("#setting-0");
    WebElement second = browser.first("#setting-1");
    assertThat(first.isDisplayed()).isTrue();
    assertThat(second.isDisplayed()).isFalse();

    browser.first(".tabs a[href='#setting-1']").click();

    assertThat(first.isDisplayed()).isFalse();
    assertThat(second.isDisplayed()).isTrue();
    assertThat(browser.console()).isEmpty();
  }

  @Test
  void sortsATableByTheColumnThatIsClicked() {
    browser.open(report.toUri(), 1280, "light");
    List<WebElement> heads = browser.all("#setting-0 .errors thead th button");

    heads.get(heads.size() - 1).click();

    assertThat(browser.all("#setting-0 .errors tbody td.all"))
        .extracting(cell -> Double.parseDouble(cell.getDomAttribute("data-sort")))
        .isSorted();
    assertThat(browser.console()).isEmpty();
  }

  @Test
  void tellsTheValuesUnderThePointer() {
    browser.open(report.toUri(), 1280, "light");

    browser.pointAt(browser.first("#setting-0 svg.chart"));

    WebElement tip = browser.first(".tip");
    assertThat(tip.isDisplayed()).isTrue();
    assertThat(tip.getText()).contains("samples").contains("gaussian_noise");
    assertThat(browser.all(".tip td"))
        .hasSize(METHODS.size())
        .allSatisfy(value -> assertThat(Double.parseDouble(value.getText())).isBetween(0.0, 100.0));
    assertThat(browser.console()).isEmpty();
  }

  @Test
  void copiesTheCommandOrSelectsIt() {
    browser.open(report.toUri(), 1280, "light");
    List<WebElement> buttons = browser.all(".copyable button");
    WebElement command = buttons.get(buttons.size() - 1);
    browser.pointAt(command);

    command.click();

    await().untilAsserted(() -> assertThat(command.getText()).isIn("copied", "selected"));
  }
}
