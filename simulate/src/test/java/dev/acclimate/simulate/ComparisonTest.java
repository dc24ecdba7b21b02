package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.Comparison.MethodDifference;
import dev.acclimate.simulate.Comparison.OriginDifference;
import dev.acclimate.simulate.SavedResults.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComparisonTest {
  /** Of Student's t with 2 degrees of freedom, two-sided 95 %. */
  private static final double T2 = 4.302653;

  @TempDir private Path folder;

  private static Run run(String method, long seed, double clean, double fog) {
    Map<String, Double> domains = new LinkedHashMap<>();
    domains.put("none", clean);
    domains.put("fog", fog);
    return new Run("single, iid, batch 64", seed, method, (clean + fog) / 2, domains);
  }

  private static SavedResults results(String file, Map<String, String> origin, Run... runs) {
    return new SavedResults(file, origin, List.of(runs));
  }

  @Test
  void pairsSeedBySeed() {
    SavedResults before =
        results(
            "a",
            Map.of(),
            run("ema", 0, 0.10, 0.30),
            run("ema", 1, 0.20, 0.40),
            run("ema", 2, 0.30, 0.50),
            run("ema", 7, 0.90, 0.90));
    SavedResults after =
        results(
            "b",
            Map.of(),
            run("ema", 2, 0.30, 0.47),
            run("ema", 1, 0.20, 0.38),
            run("ema", 0, 0.10, 0.29));

    MethodDifference ema = Comparison.of(before, after).settings().get(0).methods().get(0);

    assertThat(ema.seeds()).isEqualTo(3);
    assertThat(ema.domains().get("none").mean()).isCloseTo(0, within(1e-12));
    Estimate fog = ema.domains().get("fog"); // differences of 1, 2 and 3 points: deviation 1
    assertThat(fog.mean()).isCloseTo(-0.02, within(1e-12));
    assertThat(fog.high() - fog.mean()).isCloseTo(T2 * 0.01 / Math.sqrt(3), within(1e-7));
    assertThat(fog.isDistinct()).isFalse();
    assertThat(ema.all().mean()).isCloseTo(-0.01, within(1e-12));
  }

  @Test
  void aSingleSeedGivesNoInterval() {
    Comparison comparison =
        Comparison.of(
            results("a", Map.of(), run("ema", 0, 0.1, 0.3)),
            results("b", Map.of(), run("ema", 0, 0.2, 0.5)));

    Estimate all = comparison.settings().get(0).methods().get(0).all();
    assertThat(all.mean()).isCloseTo(0.15, within(1e-12));
    assertThat(all.low()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(all.isDistinct()).isFalse();
    assertThat(comparison.toText())
        .containsPattern("B - A +none +fog +all +\\+- +seeds")
        .containsPattern("ema +\\+10\\.0 +\\+20\\.0 +\\+15\\.0 +- +1");
    assertThat(comparison.toJson()).contains("\"difference\"").doesNotContain("interval");
  }

  @Test
  void tellsWhatDiffersAndWhatOnlyOneHas() {
    Comparison comparison =
        Comparison.of(
            results(
                "a",
                Map.of("data", "x", "version", "1"),
                run("ema", 0, 0.1, 0.3),
                run("tbn", 0, 0.1, 0.3)),
            results(
                "b",
                Map.of("data", "y", "version", "1", "rounds", "3"),
                run("ema", 0, 0.1, 0.3),
                run("source", 0, 0, 0)));

    assertThat(comparison.origins())
        .containsExactly(
            new OriginDifference("data", "x", "y"), new OriginDifference("rounds", "", "3"));
    assertThat(comparison.onlyFirst()).containsExactly("single, iid, batch 64: tbn");
    assertThat(comparison.onlySecond()).containsExactly("single, iid, batch 64: source");
  }

  @Test
  void readsResultsOfASingleStreamToo() throws IOException {
    Files.writeString(
        folder.resolve("results.json"),
        """
        {"model": "m.onnx", "seed": 3, "batch_size": 64, "order": "iid", "domains": "single",
         "runs": [{"method": "ema", "error_rate": 0.25, "samples": 4, "seconds": 1,
           "domains": [{"domain": "none", "samples": 4, "errors": 1, "error_rate": 0.25}]}]}
        """);

    SavedResults results = SavedResults.read(folder);

    assertThat(results.origin()).containsExactly(Map.entry("model", "m.onnx"));
    assertThat(results.runs())
        .containsExactly(new Run("single, iid, batch 64", 3, "ema", 0.25, Map.of("none", 0.25)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[1, 2 | : not JSON: ",
        "[] | : model: expected a text, found nothing",
        "{\"model\": \"m\"} | : runs: expected a list that is not empty, found nothing",
        "{\"model\": \"m\", \"runs\": []} | : runs: expected a list that is not empty, found a json"
            + " array",
        "{\"model\": \"m\", \"domains\": \"single\", \"runs\": [{\"method\": \"ema\"}]} | : order:"
            + " expected a text, found nothing",
        "{\"model\": \"m\", \"runs\": [{\"schedule\": \"single\", \"order\": \"iid\", \"batch_size\": 1,"
            + " \"domains\": [{\"domain\": \"fog\", \"error_rate\": 12.5}]}]} |"
            + " : runs[0].domains[0].error_rate: expected a fraction, 0 to 1, found 12.5",
        "{\"model\": \"m\", \"runs\": [{\"schedule\": \"single\", \"order\": 3}]} |"
            + " : runs[0].order: expected a text, found 3"
      })
  void namesTheFieldThatIsMalformed(String json, String message) throws IOException {
    Path file = Files.writeString(folder.resolve("results.json"), json);

    assertThatThrownBy(() -> SavedResults.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(file + message.strip());
  }
}
