package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.BatchResult;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands on the builtin model: what they print and what they write. */
class CommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private static CommandLineRun succeed(String... arguments) {
    CommandLineRun run = CommandLineRun.of(arguments);
    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).isZero();
    return run;
  }

  static List<String> commands() {
    return List.copyOf(CommandLineRun.commandLine().getSubcommands().keySet());
  }

  @Test
  void everyPromisedCommandIsThere() {
    assertThat(commands())
        .contains("demo", "inspect", "adapt", "simulate", "run", "replay", "bench", "calibrate");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandHasHelpWithAnExampleOfItself(String command) {
    CommandLineRun run = succeed(command, "--help");

    assertThat(run.out()).startsWith("Usage: acclimate " + command).contains("--help");
    assertThat(run.out().replaceAll("\\s+", " "))
        .containsPattern("Example.*: acclimate " + command);
  }

  @Test
  void helpAndVersionAreThereWithoutACommand() {
    assertThat(succeed("--help").out()).startsWith("Usage: acclimate").contains(commands());
    assertThat(succeed("--version").out()).startsWith("acclimate ").hasLineCount(1);
  }

  private static JsonNode json(String text) throws IOException {
    return JSON.readTree(text);
  }

  @Test
  void inspectTellsTheSitesAsText() {
    assertThat(succeed("inspect", "builtin").out())
        .contains("input   input FP32 [batch, 3, 32, 32]")
        .contains("sites   9 that normalize, 9 can adapt");
  }

  @Test
  void inspectTellsTheSitesAsJson() throws IOException {
    JsonNode model = json(succeed("inspect", "builtin", "--json").out());

    assertThat(model.get("model").textValue()).isEqualTo("builtin");
    assertThat(model.get("opset").intValue()).isGreaterThanOrEqualTo(9);
    assertThat(model.get("inputs").get(0))
        .hasToString("{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[\"batch\",3,32,32]}");
    assertThat(model.get("outputs").get(0).get("name").textValue()).isEqualTo("logits");
    assertThat(model.get("sites")).hasSize(9);
    for (JsonNode site : model.get("sites")) {
      assertThat(site.get("operator").textValue()).isEqualTo("BatchNormalization");
      assertThat(site.get("adaptable").booleanValue()).isTrue();
      assertThat(site.get("channels").intValue()).isIn(16, 32, 64);
      assertThat(site.get("methods")).extracting(JsonNode::textValue).contains("unmix-tns");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ema", "unmix-tns"})
  void whatAdaptWritesRunsInAnyRuntimeAsItRunsInOurs(String method) throws Exception {
    Path file = folder.resolve("adapted.onnx");
    succeed("adapt", "builtin", "--method", method, "--out", file.toString(), "--seed", "3");
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse(method));
    AdaptationState start = AdaptationState.read(folder.resolve("adapted.safetensors"), adapted);
    SessionSettings settings = new SessionSettings(ExecutionProvider.CPU, 1);
    SplittableRandom random = new SplittableRandom(1);
    float[] pixels = new float[8 * 3 * 32 * 32];
    try (AdaptiveModel ours = AdaptiveModel.open(adapted, start, settings);
        OrtSession theirs = OrtEnvironment.getEnvironment().createSession(file.toString())) {
      Map<String, OnnxTensor> feeds = new HashMap<>();
      for (Map.Entry<String, Tensor> state : start.tensors().entrySet()) {
        feeds.put(
            "acclimate/" + state.getKey(),
            tensor(state.getValue().toFloatArray(), state.getValue().shape()));
      }
      for (int step = 0; step < 3; step++) {
        for (int i = 0; i < pixels.length; i++) {
          pixels[i] = (float) random.nextGaussian();
        }
        feeds.put("input", tensor(pixels, 8, 3, 32, 32));
        float[] theirLogits;
        try (OrtSession.Result result = theirs.run(feeds)) {
          theirLogits = floats(result, "logits");
          for (Map.Entry<String, Tensor> state : start.tensors().entrySet()) {
            String name = "acclimate/" + state.getKey();
            feeds.put(name, tensor(floats(result, name + "/next"), state.getValue().shape()));
          }
        }

        try (Tensor batch = Tensor.of(pixels, 8, 3, 32, 32)) {
          BatchResult result = ours.run(Map.of("input", batch));
          assertThat(result.adapted()).isTrue();
          assertThat(result.outputs().get("logits").toFloatArray())
              .containsExactly(theirLogits, within(1e-3f));
        }
        AdaptationState ourState = ours.state();
        for (String name : start.tensors().keySet()) {
          assertThat(ourState.tensors().get(name).toFloatArray())
              .as(name)
              .containsExactly(floats(feeds.get("acclimate/" + name)), within(1e-4f));
        }
      }
    }
  }

  private static OnnxTensor tensor(float[] values, long... shape) throws OrtException {
    return OnnxTensor.createTensor(
        OrtEnvironment.getEnvironment(), FloatBuffer.wrap(values.clone()), shape);
  }

  private static float[] floats(OrtSession.Result result, String output) {
    return floats((OnnxTensor) result.get(output).orElseThrow());
  }

  private static float[] floats(OnnxTensor tensor) {
    FloatBuffer buffer = tensor.getFloatBuffer();
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  @Test
  void adaptNamesItsFilesAndPutsTheStateWhereItIsTold() {
    Path file = folder.resolve("adapted.onnx");
    Path state = folder.resolve("elsewhere.bin");

    CommandLineRun run =
        succeed(
            "adapt",
            "builtin",
            "--method",
            "unmix-tns[components=4]",
            "--out",
            file.toString(),
            "--state",
            state.toString());

    assertThat(run.out()).contains(file + ": 9 sites adapt").contains(state.toString());
    assertThat(file).isRegularFile();
    assertThat(state).isRegularFile();
    assertThat(folder.resolve("adapted.safetensors")).doesNotExist();
  }

  @Test
  void adaptRepeatsWithItsSeed() throws IOException {
    for (String name : List.of("a", "b")) {
      succeed(
          "adapt",
          "builtin",
          "--method",
          "unmix-tns",
          "--seed",
          "5",
          "--out",
          folder.resolve(name + ".onnx").toString());
    }

    for (String ending : List.of(".onnx", ".safetensors")) {
      assertThat(folder.resolve("b" + ending))
          .hasBinaryContent(Files.readAllBytes(folder.resolve("a" + ending)));
    }
  }

  @Test
  void calibrateWritesWhatACalibratedStartNeeds() {
    Path calibration = folder.resolve("calibration.safetensors");
    succeed(
        "calibrate",
        "builtin",
        "--data",
        "builtin:200",
        "--samples",
        "200",
        "--out",
        calibration.toString());

    CommandLineRun run =
        succeed(
            "adapt",
            "builtin",
            "--method",
            "unmix-tns[init=calibrated;components=10]",
            "--calibration",
            calibration.toString(),
            "--out",
            folder.resolve("adapted.onnx").toString());

    assertThat(run.out()).contains("init=calibrated");
    assertThat(folder.resolve("adapted.safetensors")).isRegularFile();
  }

  private JsonNode simulate() throws IOException {
    succeed(
        "simulate",
        "--data",
        "builtin:256",
        "--samples",
        "192",
        "--methods",
        "source,ema,unmix-tns[components=4;momentum=0.5]",
        "--corruptions",
        "none,gaussian_noise",
        "--order",
        "dirichlet",
        "--batch-size",
        "64",
        "--seed",
        "3",
        "--out",
        folder.toString());
    return json(Files.readString(folder.resolve("results.json")));
  }

  private static List<String> fields(JsonNode node) {
    return List.copyOf(new TreeSet<>(node.propertyStream().map(Map.Entry::getKey).toList()));
  }

  @Test
  void simulateWritesResultsAsPromisedAndRepeatsThemWithItsSeed() throws IOException {
    JsonNode results = simulate();

    assertThat(fields(results)).contains("model", "seed", "batch_size", "order", "domains", "runs");
    assertThat(results.get("model").textValue()).isEqualTo("builtin");
    assertThat(results.get("seed").intValue()).isEqualTo(3);
    assertThat(results.get("batch_size").intValue()).isEqualTo(64);
    assertThat(results.get("order").textValue()).isEqualTo("dirichlet");
    assertThat(results.get("domains").textValue()).isEqualTo("single");
    assertThat(results.get("runs"))
        .extracting(run -> run.get("method").textValue())
        .containsExactly("source", "ema", "unmix-tns[components=4;momentum=0.5]");
    for (JsonNode run : results.get("runs")) {
      assertThat(fields(run)).contains("method", "error_rate", "samples", "seconds", "domains");
      assertThat(run.get("samples").intValue()).isEqualTo(384);
      int errors = 0;
      for (JsonNode domain : run.get("domains")) {
        assertThat(fields(domain)).contains("domain", "samples", "errors", "error_rate");
        assertThat(domain.get("samples").intValue()).isEqualTo(192);
        assertThat(domain.get("error_rate").doubleValue())
            .isCloseTo(domain.get("errors").intValue() / 192.0, within(1e-9));
        errors += domain.get("errors").intValue();
      }
      assertThat(run.get("error_rate").doubleValue()).isCloseTo(errors / 384.0, within(1e-9));
    }
    assertThat(folder.resolve("report.html")).content().contains("<html").contains("source");
    assertThat(withoutSeconds(simulate())).isEqualTo(withoutSeconds(results));
  }

  @Test
  void simulatePlaysAScenarioSegmentBySegmentAndRepeatsItWithItsSeed() throws IOException {
    Path scenario =
        Files.writeString(
            folder.resolve("night.yaml"),
            """
            segments:
              - {name: day, samples: 100}
              - {name: dusk, domain: [darkness, gaussian_noise], severity: [0..3, 0..1], samples: 130}
              - {name: day, samples: 30, batch-sizes: [16, 1], imbalance: 10, order: markov}
            """);
    JsonNode[] results = new JsonNode[2];
    for (int i = 0; i < 2; i++) {
      succeed(
          "simulate",
          "--data",
          "builtin:96",
          "--methods",
          "ema",
          "--scenario",
          scenario.toString(),
          "--out",
          folder.toString());
      results[i] = json(Files.readString(folder.resolve("results.json")));
    }

    assertThat(results[0].get("domains").textValue()).isEqualTo("night");
    assertThat(results[0].get("order").textValue()).isEqualTo("scenario");
    assertThat(results[0].get("runs").get(0).get("domains"))
        .extracting(domain -> domain.get("domain").textValue() + " " + domain.get("samples"))
        .containsExactly("day 100", "dusk 130", "day (2) 30");
    assertThat(withoutSeconds(results[1])).isEqualTo(withoutSeconds(results[0]));
  }

  @Test
  void scenariosAreListedAndPrintedToBeCopied() {
    assertThat(succeed("simulate", "scenarios").out())
        .contains(
            "night-falls", "camera-replaced", "factory-shift-change", "seasonal", "breakdowns")
        .hasLineCount(5);
    assertThat(succeed("simulate", "scenarios", "night-falls").out())
        .startsWith("# A camera")
        .contains("segments:", "domain: [darkness, gaussian_noise]");
  }

  private static JsonNode withoutSeconds(JsonNode results) {
    JsonNode copy = results.deepCopy();
    for (String list : List.of("runs", "frozen")) {
      copy.get(list).forEach(run -> ((ObjectNode) run).remove("seconds"));
    }
    for (JsonNode setting : copy.get("summary")) {
      setting.get("methods").forEach(one -> ((ObjectNode) one).remove("samples_per_second"));
    }
    return copy;
  }

  private JsonNode simulateMany(String out) throws IOException {
    Path results = folder.resolve(out);
    succeed(
        ("simulate --data builtin:96 --samples 48 --methods ema,unmix-tns --corruptions none,fog"
                + " --domains continual,mixed,gradual --order iid,dirichlet --batch-size 16,1"
                + " --seeds 2 --out "
                + results)
            .split(" "));
    assertThat(results.resolve("results.csv")).content().hasLineCount(1 + 3 * 2 * 2 * 2 * 2 * 2);
    return json(Files.readString(results.resolve("results.json")));
  }

  @Test
  void simulateRunsManySettingsAtOnceAndSumsUpEachOverItsSeeds() throws IOException {
    JsonNode results = simulateMany("first");

    assertThat(results.get("order")).hasToString("[\"iid\",\"dirichlet\"]");
    assertThat(results.get("domains")).hasToString("[\"continual\",\"mixed\",\"gradual\"]");
    assertThat(results.get("batch_size")).hasToString("[16,1]");
    assertThat(results.get("seed")).hasToString("[0,1]");
    assertThat(results.get("runs")).hasSize(3 * 2 * 2 * 2 * 2);
    assertThat(results.get("summary")).hasSize(3 * 2 * 2);
    JsonNode setting = results.get("summary").get(0);
    double mean =
        (results.get("runs").get(0).get("error_rate").doubleValue()
                + results.get("runs").get(2).get("error_rate").doubleValue())
            / 2;
    assertThat(results.get("runs").get(2).get("seed").intValue()).isEqualTo(1);
    assertThat(setting.get("methods").get(0).get("error_rate").doubleValue())
        .isCloseTo(mean, within(1e-12));
    assertThat(fields(setting.get("verdict")))
        .containsExactly("candidates", "method", "settings", "text");
    assertThat(fields(results.get("verdict")))
        .containsExactly("candidates", "method", "settings", "text");
    assertThat(results.get("frozen")).hasSize(3 * 2 * 2 * 2);
    assertThat(withoutCommand(simulateMany("second"))).isEqualTo(withoutCommand(results));
  }

  /** Without times, and without the command, which names the folder. */
  private static JsonNode withoutCommand(JsonNode results) {
    JsonNode copy = withoutSeconds(results);
    ((ObjectNode) copy.get("provenance")).remove("command");
    return copy;
  }

  private void simulateSweep(Path out, int severity) {
    succeed(
        ("simulate --data builtin:96 --methods source,unmix-tns[momentum=0.5]"
                + " --sweep unmix-tns.components=2,8 --corruptions none,fog --severity "
                + severity
                + " --seeds 2 --samples 48 --out "
                + out)
            .split(" "));
  }

  @Test
  void aSweepRunsAMethodForEachValueAndTellsOneLineOfThem() throws IOException {
    simulateSweep(folder, 5);

    JsonNode results = json(Files.readString(folder.resolve("results.json")));
    JsonNode sweep = results.get("sweep").get(0);
    assertThat(sweep.get("values")).hasToString("[\"2\",\"8\"]");
    JsonNode line = sweep.get("lines").get(0);
    assertThat(line.get("methods"))
        .extracting(JsonNode::textValue)
        .containsExactly(
            "unmix-tns[momentum=0.5;components=2]", "unmix-tns[momentum=0.5;components=8]");
    JsonNode methods = results.get("summary").get(0).get("methods");
    assertThat(methods).hasSize(3);
    for (int v = 0; v < 2; v++) {
      for (String figure : List.of("error_rate", "error_rate_sd")) {
        assertThat(line.get(figure).get(v)).isEqualTo(methods.get(v + 1).get(figure));
      }
    }
  }

  @Test
  void compareTellsWhatChangedBetweenTwoResults() throws IOException {
    Path mild = folder.resolve("mild");
    Path severe = folder.resolve("severe");
    simulateSweep(mild, 1);
    simulateSweep(severe, 5);

    CommandLineRun text = succeed("simulate", "compare", mild.toString(), severe.toString());
    assertThat(text.out())
        .contains("single, dirichlet, batch 64", "severity\n  A 1\n  B 5\n")
        .containsPattern("source +\\+0\\.0 ");

    JsonNode json =
        json(
            succeed(
                    "simulate",
                    "compare",
                    mild.toString(),
                    severe.resolve("results.json").toString(),
                    "--json")
                .out());
    JsonNode source = json.get("settings").get(0).get("methods").get(0);
    assertThat(source.get("method").textValue()).isEqualTo("source");
    assertThat(source.get("seeds").intValue()).isEqualTo(2);
    assertThat(source.get("interval")).hasSize(2);
    JsonNode fog = source.get("domains").get(1);
    assertThat(fog.get("domain").textValue()).isEqualTo("fog");
    double difference = rate(severe, 0, "fog") - rate(mild, 0, "fog");
    assertThat(fog.get("difference").doubleValue()).isCloseTo(difference, within(1e-12));
  }

  /** A method's mean error rate in the summary of results. */
  private static double rate(Path results, int method, String domain) throws IOException {
    JsonNode summary = json(Files.readString(results.resolve("results.json"))).get("summary");
    for (JsonNode one : summary.get(0).get("methods").get(method).get("domains")) {
      if (one.get("domain").textValue().equals(domain)) {
        return one.get("error_rate").doubleValue();
      }
    }
    throw new AssertionError(domain);
  }

  @Test
  void benchTellsTimesAsJson() throws IOException {
    JsonNode result =
        json(
            succeed(
                    "bench",
                    "builtin",
                    "--methods",
                    "source,alpha-bn,unmix-tns[components=4]",
                    "--batch-size",
                    "4",
                    "--rounds",
                    "3",
                    "--threads",
                    "1",
                    "--json")
                .out());

    assertThat(result.get("rows")).hasSize(3);
    for (JsonNode row : result.get("rows")) {
      assertThat(fields(row))
          .containsExactly("batch_size", "median_ms", "method", "ratio_to_source");
      assertThat(row.get("batch_size").intValue()).isEqualTo(4);
      assertThat(row.get("median_ms").doubleValue()).isPositive();
      assertThat(row.get("ratio_to_source").doubleValue()).isPositive();
    }
    assertThat(result.get("rows").get(0).get("ratio_to_source").doubleValue()).isEqualTo(1);
  }

  @Test
  void benchTellsServingAsJson() throws IOException {
    JsonNode result =
        json(
            succeed(
                    "bench",
                    "builtin",
                    "--serve",
                    "--clients",
                    "1,4",
                    "--form",
                    "binary,json,grpc",
                    "--seconds",
                    "0.3",
                    "--rounds",
                    "1",
                    "--threads",
                    "1",
                    "--json")
                .out());

    assertThat(result.get("rows")).hasSize(6);
    for (JsonNode row : result.get("rows")) {
      assertThat(row.get("batch_size")).isEqualTo(row.get("clients"));
      assertThat(row.get("served_samples_per_second").doubleValue()).isPositive();
      assertThat(row.get("p99_ms").doubleValue())
          .isGreaterThanOrEqualTo(row.get("p50_ms").doubleValue());
    }
  }
}
