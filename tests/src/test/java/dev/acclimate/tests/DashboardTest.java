package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.agent.Acclimate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;

/** The dashboard of an agent that answers requests, in a real browser. */
class DashboardTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private static Path folder;
  private static Browser browser;
  private static JavaProcess agent;
  private static Thread clients;
  private static URI address;

  @BeforeAll
  static void startAll() throws IOException {
    boolean installed = Browser.isInstalled();
    if ("true".equals(System.getenv("CI"))) {
      assertThat(installed).as("chromium and chromedriver on the path").isTrue();
    }
    assumeTrue(installed, "no chromium and chromedriver on the path");
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    address = URI.create("http://127.0.0.1:" + port + "/");
    Path model = Files.write(folder.resolve("camera.onnx"), SmallModels.classifier());
    Path configuration =
        Files.writeString(
            folder.resolve("sidecar.yaml"),
            """
            model: '%s'
            method: ema
            provider: cpu
            threads: 1
            http: {port: %d}
            """
                .formatted(model, port));
    agent =
        new JavaProcess(
            folder.resolve("agent.log"),
            Acclimate.class,
            "run",
            "--config",
            configuration.toString());
    agent.start();
    agent.awaitOutput("/metrics");
    clients = new Thread(DashboardTest::sendRequests);
    clients.setDaemon(true);
    clients.start();
    browser = Browser.start(folder.resolve("profile"));
  }

  @AfterAll
  static void stopAll() {
    if (clients != null) {
      clients.interrupt();
    }
    if (browser != null) {
      browser.close();
    }
    if (agent != null) {
      agent.close();
    }
  }

  /** A few requests a second, brighter than what the model was made for. */
  private static void sendRequests() {
    Random random = new Random(1);
    try {
      while (true) {
        StringBuilder data = new StringBuilder();
        for (int i = 0; i < 4 * 3 * 8 * 8; i++) {
          data.append(i == 0 ? "" : ",").append((float) random.nextGaussian() + 2);
        }
        String body =
            """
            {"inputs":[{"name":"input","datatype":"FP32","shape":[4,3,8,8],"data":[%s]}]}"""
                .formatted(data);
        HTTP.send(
            HttpRequest.newBuilder(address.resolve("v2/models/camera/infer"))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.discarding());
        Thread.sleep(100);
      }
    } catch (InterruptedException | IOException e) {
      // the test ends
    }
  }

  private static JsonNode model() throws Exception {
    String body =
        HTTP.send(
                HttpRequest.newBuilder(address.resolve("api/models/camera")).build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    return JSON.readTree(body);
  }

  private static String text(String selector) {
    return browser.first(selector).getText();
  }

  private static void openLive(int width, String scheme) {
    browser.open(address, width, scheme);
    await().atMost(PATIENCE).until(() -> text("#link").equals("live"));
    await().atMost(PATIENCE).until(() -> browser.all("svg polyline").size() >= 2);
  }

  /** Presses a button that asks first, and says yes. */
  private static void pressAndConfirm(WebElement button) {
    browser.pointAt(button);
    button.click();
    await().atMost(PATIENCE).until(() -> browser.first("#ask").isDisplayed());
    browser.first("#ask-yes").click();
    await().atMost(PATIENCE).until(() -> !browser.first("#ask").isDisplayed());
  }

  @ParameterizedTest
  @CsvSource({"1280, light", "1280, dark", "400, light", "400, dark"})
  void isReadableOnAnyScreen(int width, String scheme) {
    openLive(width, scheme);
    await().atMost(PATIENCE).until(() -> !browser.all("#heat td.value").isEmpty());

    browser.photograph(Path.of("target", "dashboard-" + width + "-" + scheme + ".png"));
    assertThat(browser.run("return document.documentElement.scrollWidth")).isEqualTo((long) width);
    assertThat(browser.faintTexts()).isEqualTo(List.of());
    assertThat(browser.console()).isEmpty();
  }

  @Test
  void followsTheAgentWithoutBeingAsked() {
    openLive(1280, "light");
    long before = number("#step");

    await().atMost(PATIENCE).until(() -> number("#step") > before + 5);

    assertThat(Double.parseDouble(text("#rate").replace(",", ""))).isPositive();
    assertThat(text("#latency")).matches("[\\d.,]+ / [\\d.,]+");
    assertThat(browser.console()).isEmpty();
  }

  private static long number(String selector) {
    String text = text(selector).replace(",", "");
    return text.chars().allMatch(Character::isDigit) && !text.isEmpty() ? Long.parseLong(text) : -1;
  }

  private static void choose(String mode) {
    browser.first("#mode-kind option[value=" + mode + "]").click();
  }

  @Test
  void changesNothingThatIsNotConfirmed() throws Exception {
    openLive(1280, "light");
    String mode = model().get("mode").textValue();
    choose("off".equals(mode) ? "active" : "off");

    browser.first("#mode-form button").click();
    await().atMost(PATIENCE).until(() -> browser.first("#ask").isDisplayed());
    browser.first("#ask-no").click();

    assertThat(model().get("mode").textValue()).isEqualTo(mode);
  }

  @Test
  void setsTheMode() {
    openLive(1280, "light");
    choose("canary");
    WebElement percent = browser.first("#percent");
    percent.clear();
    percent.sendKeys("25");

    pressAndConfirm(browser.first("#mode-form button"));

    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(model().get("mode").textValue()).isEqualTo("canary:25%"));
    await().atMost(PATIENCE).until(() -> text("#mode").equals("canary:25%"));
    await().atMost(PATIENCE).until(() -> text("#events").contains("mode canary:25%"));
  }

  @Test
  void keepsAStateAndRollsBackToIt() throws Exception {
    openLive(1280, "light");
    browser.first("#take").click();
    await().atMost(PATIENCE).until(() -> text("#snapshots").contains("hand"));
    long kept = Long.parseLong(cell("#snapshots", 1).replace(",", ""));
    await().atMost(PATIENCE).until(() -> model().get("step").asLong() > kept + 20);

    pressAndConfirm(browser.all("#snapshots tbody button").get(0));

    await().atMost(PATIENCE).until(() -> text("#events").contains("rolled back"));
    assertThat(text("#events")).contains("step " + kept);
  }

  private static String cell(String table, int column) {
    return browser.first(table + " tbody tr").findElements(By.tagName("td")).get(column).getText();
  }

  @Test
  void resetsTheState() throws Exception {
    openLive(1280, "light");
    await().atMost(PATIENCE).until(() -> model().get("step").asLong() > 20);
    long before = model().get("step").asLong();

    pressAndConfirm(browser.first("#reset"));

    await().atMost(PATIENCE).until(() -> model().get("step").asLong() < before);
    await().atMost(PATIENCE).until(() -> text("#events").contains("state reset"));
    assertThat(text("#snapshots")).contains("reset");
  }

  @Test
  void uploadsAStateAndSaysWhatIsWrongWithAnother() throws Exception {
    openLive(1280, "light");
    Path state = folder.resolve("kept.safetensors");
    HTTP.send(
        HttpRequest.newBuilder(address.resolve("api/models/camera/state")).build(),
        HttpResponse.BodyHandlers.ofFile(state));

    browser.first("#upload").sendKeys(state.toString());
    await().atMost(PATIENCE).until(() -> browser.first("#ask").isDisplayed());
    browser.first("#ask-yes").click();
    await().atMost(PATIENCE).until(() -> text("#events").contains("state uploaded"));

    Path broken = Files.writeString(folder.resolve("broken.safetensors"), "no state at all");
    browser.first("#upload").sendKeys(broken.toString());
    await().atMost(PATIENCE).until(() -> browser.first("#ask").isDisplayed());
    browser.first("#ask-yes").click();
    await().atMost(PATIENCE).until(() -> browser.first("#notice").isDisplayed());
    assertThat(text("#notice")).contains("state");
    browser.console(); // the 400 is told there
  }

  @Test
  void switchesTheMethod() {
    openLive(1280, "light");
    WebElement method = browser.first("#method-text");
    method.clear();
    method.sendKeys("ema[momentum=0.25]");

    pressAndConfirm(browser.first("#method-form button"));

    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> assertThat(model().get("method").textValue()).isEqualTo("ema[momentum=0.25]"));
    await().atMost(PATIENCE).until(() -> text("#method").equals("ema[momentum=0.25]"));
  }
}
