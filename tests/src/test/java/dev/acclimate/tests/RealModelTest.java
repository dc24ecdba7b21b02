package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real ResNet-20 and real images, where they lie beside the repository. */
class RealModelTest {
  private static final Path DATA = Path.of("..", "..", "shared", "data", "cifar10");
  private static final String MODEL = DATA.resolve("resnet20.onnx").toString();
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @BeforeEach
  void dataIsThere() {
    assumeTrue(Files.isDirectory(DATA), "no real model and images beside the repository");
  }

  @Test
  void inspectFindsEverySite() throws Exception {
    CommandLineRun run = CommandLineRun.of("inspect", MODEL, "--json");

    JsonNode sites = JSON.readTree(run.out()).get("sites");
    int channels = 0;
    for (JsonNode site : sites) {
      assertThat(site.get("adaptable").booleanValue()).isTrue();
      channels += site.get("channels").intValue();
    }
    assertThat(sites).hasSize(19);
    assertThat(channels).isEqualTo(688);
  }

  @Test
  void theFoldedModelIsToldOfCalibrate() {
    CommandLineRun run =
        CommandLineRun.of(
            "adapt",
            DATA.resolve("resnet20-folded.onnx").toString(),
            "--method",
            "alpha-bn",
            "--out",
            folder.resolve("a.onnx").toString());

    assertThat(run.err()).contains("Conv", "acclimate calibrate").hasLineCount(1);
    assertThat(run.exitCode()).isEqualTo(2);
  }

  private static double error(JsonNode results, int method, String domain) {
    for (JsonNode one : results.get("runs").get(method).get("domains")) {
      if (one.get("domain").textValue().startsWith(domain)) {
        return one.get("error_rate").doubleValue();
      }
    }
    throw new AssertionError("no domain " + domain + " in " + results);
  }

  @Test
  void adaptingHelpsUnderNoiseAndHurtsLittleOnCleanImages() throws Exception {
    CommandLineRun run =
        CommandLineRun.of(
            "simulate",
            "--model",
            MODEL,
            "--data",
            "cifar10:" + DATA,
            "--methods",
            "source,tbn,alpha-bn,unmix-tns[init=calibrated;components=10;momentum=0.5]",
            "--corruptions",
            "none,gaussian_noise",
            "--order",
            "dirichlet",
            "--delta",
            "0.1",
            "--samples",
            "640",
            "--seed",
            "1",
            "--out",
            folder.toString());
    assertThat(run.err()).isEmpty();
    JsonNode results = JSON.readTree(Files.readString(folder.resolve("results.json")));

    assertThat(error(results, 0, "none")).as("source, clean").isBetween(0.08, 0.16);
    double frozen = error(results, 0, "gaussian_noise");
    assertThat(frozen).as("source, noise").isBetween(0.40, 0.60);
    // batch statistics alone mistake a burst of one class for a shift
    assertThat(error(results, 1, "none")).as("tbn, clean").isGreaterThan(0.30);
    assertThat(error(results, 2, "gaussian_noise")).as("alpha-bn, noise").isLessThan(frozen - 0.03);
    assertThat(error(results, 2, "none")).as("alpha-bn, clean").isLessThan(0.25);
    assertThat(error(results, 3, "gaussian_noise"))
        .as("calibrated, noise")
        .isLessThan(frozen - 0.05);
    assertThat(error(results, 3, "none")).as("calibrated, clean").isLessThan(0.22);
  }
}
