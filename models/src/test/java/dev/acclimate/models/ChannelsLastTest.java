package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ChannelsLastTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);

  /** {@code x [B, H, W, C]} transposed, then what a residual block with a cut shortcut does. */
  private static OnnxModel block() {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("block")
            .addInput(value("x", 2, 6, 4, 3))
            .addInput(value("shortcut", 2, 3, 6, 4))
            .addOutput(value("y", 2, 3, 3, 2))
            .addInitializer(integers("starts", 0, 0))
            .addInitializer(integers("ends", 100, 100))
            .addInitializer(integers("axes", 2, -1))
            .addInitializer(integers("steps", 2, 2));
    graph.addNode(
        node("Transpose", "first", "x").addAttribute(OperatorWriter.integers("perm", 0, 3, 1, 2)));
    graph.addNode(node("Sigmoid", "other", "shortcut"));
    graph.addNode(node("Add", "sum", "first", "other"));
    graph.addNode(node("Relu", "positive", "sum"));
    graph.addNode(node("Slice", "cut", "positive", "starts", "ends", "axes", "steps"));
    graph.addNode(node("Tanh", "y", "cut"));
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build(),
        "block");
  }

  @Test
  void computesTheSame() {
    OnnxModel model = block();
    Map<String, Tensor> feeds =
        Map.of("x", random(1, 2, 6, 4, 3), "shortcut", random(2, 2, 3, 6, 4));

    float[] moved = run(ChannelsLast.sinkTranspositions(model), feeds);

    assertThat(moved).isEqualTo(run(model, feeds));
  }

  @Test
  void leavesOneTranspositionOfWhatIsLeftInTheEnd() {
    List<NodeProto> nodes = ChannelsLast.sinkTranspositions(block()).graph().getNodeList();

    List<String> operators = nodes.stream().map(NodeProto::getOpType).toList();

    assertThat(operators)
        .containsExactly("Sigmoid", "Transpose", "Add", "Relu", "Slice", "Tanh", "Transpose");
  }

  private static float[] run(OnnxModel model, Map<String, Tensor> feeds) {
    try (ModelSession session = ModelSession.open(model, ONE_THREAD)) {
      return session.run(feeds).get("y").toFloatArray();
    }
  }

  private static Tensor random(long seed, long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  private static NodeProto.Builder node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .addAllInput(List.of(inputs))
        .addOutput(output);
  }

  private static TensorProto integers(String name, long... values) {
    return Constants.tensor(values).toBuilder().setName(name).build();
  }

  private static ValueInfoProto value(String name, long... shape) {
    TensorShapeProto.Builder sizes = TensorShapeProto.newBuilder();
    for (long size : shape) {
      sizes.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(size));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(ElementType.FP32.onnxCode())
                        .setShape(sizes)))
        .build();
  }
}
