package dev.acclimate.adapters.learning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Training steps of AdaB2N against the reference implementation's, where these are to be had. */
class LearningGoldenVectorsTest {
  private static final Path GOLDEN = Path.of("../../shared/golden");
  private static final double TOLERANCE = 1e-5;

  @TestFactory
  Stream<DynamicTest> adab2n() throws IOException {
    Assumptions.assumeTrue(Files.isDirectory(GOLDEN), "no golden vectors beside the repository");
    List<Path> files;
    try (Stream<Path> all = Files.list(GOLDEN)) {
      files = all.filter(f -> f.getFileName().toString().startsWith("adab2n_")).sorted().toList();
    }
    assertThat(files).isNotEmpty();
    return files.stream()
        .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> check(file)));
  }

  private static void check(Path file) throws IOException {
    JsonNode golden = new ObjectMapper().readTree(file.toFile());
    LearningGraph graph =
        LearningGraph.of(
            classifier(golden),
            new LearningSettings(
                LearningMethod.parse(
                    "adab2n[kappa=%s;momentum=%s;slots=%d]"
                        .formatted(
                            golden.get("kappa").asText(),
                            golden.get("momentum").asText(),
                            golden.get("task_weight").size())),
                new Sgd(0, false, 0),
                LearningRate.constant(1e-30),
                ParameterSet.all(),
                0));
    LearningState state = graph.start();
    state.tensor("task_weight").floats().put(floats(golden.get("task_weight")));
    try (ModelSession session =
        ModelSession.open(graph.step(), new SessionSettings(ExecutionProvider.CPU, 1))) {
      for (JsonNode step : golden.get("steps")) {
        Map<String, Tensor> results = session.run(feeds(state, step));
        state.tensors().forEach((name, t) -> t.set(result(results, "acclimate/" + name + "/next")));

        assertClose("output", result(results, "y"), step.get("output"));
        assertThat((double) result(results, LearningGraph.NORM_LOSS).floats().get(0))
            .isCloseTo(step.get("norm_loss").asDouble(), withinPercentage(100 * TOLERANCE));
        assertThat((double) state.tensor("eta").floats().get(0))
            .isCloseTo(step.get("eta").asDouble(), withinPercentage(100 * TOLERANCE));
        assertClose("running_mean", state.tensor("running_mean"), step.get("running_mean"));
        assertClose("running_var", state.tensor("running_var"), step.get("running_var"));
      }
    }
  }

  private static Map<String, Tensor> feeds(LearningState state, JsonNode step) {
    long[] shape = new long[4];
    for (int i = 0; i < 4; i++) {
      shape[i] = step.get("shape").get(i).asLong();
    }
    Tensor tasks = Tensor.allocate(ElementType.INT64, shape[0]);
    for (int b = 0; b < shape[0]; b++) {
      tasks.longs().put(b, step.get("task_of_sample").get(b).asLong());
    }
    Map<String, Tensor> feeds = new HashMap<>();
    state.tensors().forEach((name, tensor) -> feeds.put("acclimate/" + name, tensor));
    feeds.put("x", Tensor.of(floats(step.get("input")), shape));
    feeds.put(LearningGraph.LABELS, Tensor.allocate(ElementType.INT64, shape[0]));
    feeds.put(LearningGraph.TASKS, tasks);
    return feeds;
  }

  private static Tensor result(Map<String, Tensor> results, String name) {
    return Objects.requireNonNull(results.get(name), name);
  }

  /** One normalization, whose result is an output beside the logits of a linear layer. */
  private static OnnxModel classifier(JsonNode golden) {
    int channels = golden.get("C").asInt();
    JsonNode shape = golden.get("steps").get(0).get("shape");
    long height = shape.get(2).asLong();
    long width = shape.get(3).asLong();
    GraphProto.Builder graph = GraphProto.newBuilder().setName("golden");
    graph
        .addInput(TinyClassifier.value("x", channels, height, width))
        .addOutput(TinyClassifier.value("logits", 2))
        .addOutput(TinyClassifier.value("y", channels, height, width));
    String[][] parameters = {
      {"gamma", "gamma"},
      {"beta", "beta"},
      {"mean", "initial_running_mean"},
      {"var", "initial_running_var"}
    };
    for (String[] parameter : parameters) {
      float[] values = floats(golden.get(parameter[1]));
      graph.addInitializer(TinyClassifier.named(parameter[0], values, channels));
    }
    float[] weight = new float[2 * channels];
    weight[0] = 1;
    graph.addInitializer(TinyClassifier.named("weight", weight, channels, 2));
    graph.addNode(
        TinyClassifier.node("BatchNormalization", "y", "x", "gamma", "beta", "mean", "var")
            .toBuilder()
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("epsilon")
                    .setType(AttributeProto.AttributeType.FLOAT)
                    .setF((float) golden.get("eps").asDouble())));
    graph.addNode(TinyClassifier.node("GlobalAveragePool", "pool", "y"));
    graph.addNode(TinyClassifier.node("Flatten", "flat", "pool"));
    graph.addNode(TinyClassifier.node("MatMul", "logits", "flat", "weight"));
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build(),
        "golden");
  }

  private static void assertClose(String what, Tensor ours, JsonNode reference) {
    float[] found = ours.toFloatArray();
    double squares = 0;
    double scale = 0;
    for (int i = 0; i < found.length; i++) {
      double expected = reference.get(i).asDouble();
      squares += (found[i] - expected) * (found[i] - expected);
      scale += expected * expected;
    }
    assertThat(Math.sqrt(squares / scale)).as(what).isLessThanOrEqualTo(TOLERANCE);
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) array.get(i).asDouble();
    }
    return values;
  }
}
