package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Layer vectors computed with the papers' reference implementations in double precision. */
class GoldenVectorsTest {
  private static final Path GOLDEN = Path.of("..", "..", "shared", "golden");
  private static final double TOLERANCE = 1e-5;

  /** Replays one file's steps. */
  interface Check {
    void run(Path file, boolean convolution) throws IOException;
  }

  @TestFactory
  Stream<DynamicTest> unmixTnsReproducesTheReference() throws IOException {
    return tests("unmix_tns_", GoldenVectorsTest::checkUnmixTns);
  }

  @TestFactory
  Stream<DynamicTest> adab2nReproducesTheReference() throws IOException {
    return tests("adab2n_", GoldenVectorsTest::checkAdab2n);
  }

  private static Stream<DynamicTest> tests(String prefix, Check check) throws IOException {
    Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "no golden vectors beside the repository");
    List<Path> files;
    try (Stream<Path> all = Files.list(GOLDEN)) {
      files =
          all.filter(file -> file.getFileName().toString().startsWith(prefix)).sorted().toList();
    }
    assertThat(files).isNotEmpty();
    return files.stream()
        .flatMap(
            file ->
                Stream.of(false, true)
                    .map(
                        convolution ->
                            DynamicTest.dynamicTest(
                                file.getFileName() + (convolution ? " behind a convolution" : ""),
                                () -> check.run(file, convolution))));
  }

  private static OneSiteModel site(
      JsonNode golden, JsonNode mean, JsonNode variance, boolean convolution) {
    JsonNode shape = golden.get("steps").get(0).get("shape");
    return OneSiteModel.of(
        floats(golden.get("gamma")),
        floats(golden.get("beta")),
        floats(mean),
        floats(variance),
        (float) golden.get("eps").asDouble(),
        new long[] {shape.get(2).asLong(), shape.get(3).asLong()},
        0,
        17,
        convolution);
  }

  private static long[] shape(JsonNode step) {
    long[] size = new long[4];
    for (int i = 0; i < 4; i++) {
      size[i] = step.get("shape").get(i).asLong();
    }
    return size;
  }

  private static void checkAdab2n(Path file, boolean convolution) throws IOException {
    JsonNode golden = new ObjectMapper().readTree(file.toFile());
    OneSiteModel site =
        site(
            golden,
            golden.get("initial_running_mean"),
            golden.get("initial_running_var"),
            convolution);
    Method method =
        Method.parse(
            "adab2n[kappa=%s;momentum=%s;renormalize=false;slots=%d;normalize=batch]"
                .formatted(
                    golden.get("kappa").asText(),
                    golden.get("momentum").asText(),
                    golden.get("task_weight").size()));
    AdaptedModel adapted = AdaptedModel.adapt(site.model(), method);
    AdaptationState start = adapted.initialState(0, null);
    set(start, "task_weight", golden.get("task_weight"));

    try (AdaptiveModel model = AdaptiveModel.open(adapted, start, settings(golden, convolution))) {
      for (JsonNode step : golden.get("steps")) {
        long[] size = shape(step);
        Tensor tasks = Tensor.allocate(ElementType.INT64, size[0]);
        for (int b = 0; b < size[0]; b++) {
          tasks.longs().put(b, step.get("task_of_sample").get(b).asLong());
        }
        Tensor input = Tensor.of(floats(step.get("input")), size);
        BatchResult result = model.run(Map.of("x", input, AdaptiveModel.TASK_INPUT, tasks));

        assertClose("output", result.outputs().get("y"), step.get("output"));
        assertThat(result.outputs().get("acclimate/norm_loss").toFloatArray()[0] / 1.0)
            .as("norm_loss")
            .isCloseTo(step.get("norm_loss").asDouble(), withinPercentage(100 * TOLERANCE));
        Map<String, Tensor> state = model.state().tensors();
        assertThat(state.get("eta").toFloatArray()[0] / 1.0)
            .as("eta")
            .isCloseTo(step.get("eta").asDouble(), withinPercentage(100 * TOLERANCE));
        assertClose("running_mean", state.get("running_mean"), step.get("running_mean"));
        assertClose("running_var", state.get("running_var"), step.get("running_var"));
        assertClose("task_weight", state.get("task_weight"), golden.get("task_weight"));
        float seen = 0;
        for (float task : state.get("task_seen").toFloatArray()) {
          seen += task;
        }
        assertThat(seen).isEqualTo(step.get("tasks_seen").floatValue());
      }
    }
  }

  private static void checkUnmixTns(Path file, boolean convolution) throws IOException {
    JsonNode golden = new ObjectMapper().readTree(file.toFile());
    int components = golden.get("K").asInt();
    OneSiteModel site =
        site(golden, golden.get("source_mean"), golden.get("source_var"), convolution);
    Method method =
        Method.parse(
            "unmix-tns[components=%d;momentum=0.1;temperature=%s]"
                .formatted(components, golden.get("temperature").asText()));
    AdaptedModel adapted = AdaptedModel.adapt(site.model(), method);
    AdaptationState start = adapted.initialState(0, null);
    set(start, "component_mean", golden.get("initial_component_mean"));
    set(start, "component_var", golden.get("initial_component_var"));

    try (AdaptiveModel model = AdaptiveModel.open(adapted, start, settings(golden, convolution))) {
      for (JsonNode step : golden.get("steps")) {
        long[] size = shape(step);
        // the vectors' lambda is our momentum, corrected for the batch size in the graph
        assertThat(1 - Math.pow(0.9, size[0] / 64.0))
            .isCloseTo(golden.get("momentum").asDouble(), offset(1e-12));
        BatchResult result = model.run(Map.of("x", Tensor.of(floats(step.get("input")), size)));

        assertClose("output", result.outputs().get("y"), step.get("output"));
        Map<String, Tensor> state = model.state().tensors();
        assertClose("component_mean", state.get("component_mean"), step.get("component_mean"));
        assertClose("component_var", state.get("component_var"), step.get("component_var"));
      }
    }
  }

  /** Behind a convolution activations lie in blocks of channels, where the batch size is known. */
  private static SessionSettings settings(JsonNode golden, boolean convolution) {
    SessionSettings settings = new SessionSettings(ExecutionProvider.CPU, 1);
    int first = Math.toIntExact(shape(golden.get("steps").get(0))[0]);
    return convolution ? settings.forBatchesOf(first) : settings;
  }

  private static void set(AdaptationState state, String tensor, JsonNode values) {
    state.tensors().get(tensor).floats().put(floats(values));
  }

  private static void assertClose(String what, Tensor ours, JsonNode reference) {
    double[] expected = new double[reference.size()];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = reference.get(i).asDouble();
    }
    assertThat(PlainNormalization.relativeError(ours.toFloatArray(), expected))
        .as(what)
        .isLessThanOrEqualTo(TOLERANCE);
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) array.get(i).asDouble();
    }
    return values;
  }
}
