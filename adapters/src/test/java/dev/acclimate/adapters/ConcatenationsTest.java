package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sites of a dense block, against the same sites measured one by one. */
class ConcatenationsTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int SIZE = 6;
  private static final int BATCH = 5;

  private final SplittableRandom random = new SplittableRandom(1);
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("dense");

  /**
   * Features of 4, 5 and 3 channels: "bn1" reads the first ones, "bn2" the first two, "bn3" all of
   * them.
   *
   * @param apart by how much means of sites differ on the same features
   * @param hidden whether sites read their input by another name, so that its parts are not seen
   */
  private OnnxModel dense(float apart, boolean hidden) {
    graph.addInput(value("image", 3, SIZE, SIZE)).addOutput(value("logits", 12));
    convolution("a", "image", 3, 4);
    site("1", "a", hidden, 4, 0);
    convolution("b", "r1", 4, 5);
    concat("ab", 1, "a", "b");
    site("2", "ab", hidden, 9, apart);
    convolution("c", "r2", 9, 3);
    concat("abc", -3, "ab", "c");
    site("3", "abc", hidden, 12, 2 * apart);
    graph
        .addNode(node("GlobalAveragePool", "pooled", "r3"))
        .addNode(node("Flatten", "logits", "pooled"));
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build(),
        "dense");
  }

  private void convolution(String output, String input, int from, int to) {
    constant("w_" + output, 0, 0.4f, to, from, 1, 1);
    constant("bias_" + output, 1, 0.3f, to);
    graph.addNode(node("Conv", output, input, "w_" + output, "bias_" + output));
  }

  private void concat(String output, long axis, String... inputs) {
    graph.addNode(
        node("Concat", output, inputs).toBuilder()
            .addAttribute(OperatorWriter.integer("axis", axis)));
  }

  private void site(String name, String input, boolean hidden, int channels, float mean) {
    constant("gamma" + name, 1, 0.2f, channels);
    constant("beta" + name, 0, 0.3f, channels);
    constant("mean" + name, 1 + mean, 0.1f, channels);
    constant("variance" + name, 1, 0, channels);
    String read = hidden ? "hidden" + name : input;
    if (hidden) {
      graph.addNode(node("Identity", read, input));
    }
    graph
        .addNode(
            node(
                "BatchNormalization",
                "n" + name,
                read,
                "gamma" + name,
                "beta" + name,
                "mean" + name,
                "variance" + name))
        .addNode(node("Relu", "r" + name, "n" + name));
  }

  private void constant(String name, float mean, float deviation, long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    graph.addInitializer(Constants.tensor(values, shape).toBuilder().setName(name));
  }

  private static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .setName(output)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static ValueInfoProto value(String name, long... sizes) {
    List<Dimension> shape = new ArrayList<>(List.of(Dimension.symbolic("batch")));
    for (long size : sizes) {
      shape.add(Dimension.fixed(size));
    }
    return GraphEditor.valueInfo(name, ElementType.FP32, shape);
  }

  // the last ones with means so far apart that a centre is not shared; as far off the batch's, they
  // cost either form a digit
  @ParameterizedTest
  @CsvSource({
    "tbn, 0.5",
    "alpha-bn, 0.5",
    "bn-prior, 0.5",
    "ema, 0.5",
    "unmix-tns, 0.5",
    "adab2n[tasks=detected], 0.5",
    "adab2n[tasks=detected;normalize=batch], 0.5",
    "tbn+tent, 0.5",
    "unmix-tns+tent, 0.5",
    "tbn, 5",
    "unmix-tns, 5"
  })
  void givesWhatSitesMeasureOneByOne(String method, float apart) {
    OnnxModel shared = dense(apart, false);
    OnnxModel alone = new ConcatenationsTest().dense(apart, true);
    AdaptedModel parts = AdaptedModel.adapt(shared, Method.parse(method));
    AdaptedModel whole = AdaptedModel.adapt(alone, Method.parse(method));
    double tolerance = apart > 1 ? 1e-4 : 1e-5;
    SplittableRandom pixels = new SplittableRandom(2);
    try (AdaptiveModel found = AdaptiveModel.open(parts, parts.initialState(1, null), ONE_THREAD);
        AdaptiveModel expected =
            AdaptiveModel.open(whole, whole.initialState(1, null), ONE_THREAD)) {
      for (int step = 0; step < 3; step++) {
        Map<String, Tensor> batch = Map.of("image", images(pixels));
        assertClose(found.run(batch).outputs(), expected.run(batch).outputs(), tolerance);
      }
      assertClose(found.state().tensors(), expected.state().tensors(), tolerance);
    }
  }

  private static Tensor images(SplittableRandom random) {
    float[] values = new float[BATCH * 3 * SIZE * SIZE];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, BATCH, 3, SIZE, SIZE);
  }

  private static void assertClose(
      Map<String, Tensor> found, Map<String, Tensor> expected, double tolerance) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          float[] theirs = tensor.toFloatArray();
          float[] ours = found.get(name).toFloatArray();
          double difference = 0;
          double norm = 0;
          for (int i = 0; i < theirs.length; i++) {
            difference += Math.pow((double) ours[i] - theirs[i], 2);
            norm += Math.pow(theirs[i], 2);
          }
          assertThat(Math.sqrt(difference))
              .as(name)
              .isLessThanOrEqualTo(tolerance * Math.sqrt(norm));
        });
  }

  // two moments of each of three parts; where means are far apart, of each part at each site
  @ParameterizedTest
  @CsvSource({"0.5, 6", "5, 12"})
  void measuresEachPartOnceWhereThatIsExact(float apart, int moments) {
    AdaptedModel adapted = AdaptedModel.adapt(dense(apart, false), Method.parse("tbn"));

    assertThat(adapted.model().graph().getNodeList())
        .filteredOn(node -> node.getOpType().equals("GlobalAveragePool"))
        .hasSize(moments + 1);
  }
}
