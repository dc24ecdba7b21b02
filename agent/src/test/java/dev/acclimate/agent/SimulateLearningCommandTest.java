package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulateLearningCommandTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return Acclimate.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  @Test
  void learnsEveryTaskWithEveryMethodAndWritesWhatCameOfIt() throws IOException {
    int code =
        run(
            "simulate",
            "learning",
            "--model",
            "mlp",
            "--data",
            "builtin:120",
            "--scenario",
            "domain",
            "--tasks",
            "2",
            "--methods",
            "bn,adab2n[kappa=0.4]+nap",
            "--seeds",
            "2",
            "--buffer",
            "20",
            "--replay",
            "5",
            "--test-samples",
            "30",
            "--out",
            folder.toString());

    assertThat(err.toString()).contains("seed 1, task 2 of 2");
    assertThat(code).isZero();
    assertThat(out.toString()).contains("average", "forgetting", "adab2n[kappa=0.4]+nap");
    JsonNode results = new ObjectMapper().readTree(folder.resolve("results.json").toFile());
    assertThat(results.get("runs")).hasSize(4);
    assertThat(results.get("runs").get(3).get("accuracy_after").get(1)).hasSize(2);
    assertThat(results.get("command").textValue()).startsWith("acclimate simulate learning");
    assertThat(Files.readString(folder.resolve("report.html"))).contains("<svg");
  }

  @Test
  void whatIsWrongIsToldInOneLine() {
    assertThat(run("simulate", "learning", "--scenario", "time")).isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo(
            "acclimate simulate learning: --scenario: expected one of [class, domain, permuted, relabelled], found time");
  }

  @Test
  void normalizationIsInsertedWithAWarning() {
    String target = folder.resolve("normalized.onnx").toString();

    int code =
        run("adapt", "builtin", "--method", "source", "--insert-normalization", "--out", target);

    assertThat(code).isEqualTo(2); // every Relu of the builtin model has one
    assertThat(err.toString()).contains("expected non-linearities behind layers without");
  }
}
