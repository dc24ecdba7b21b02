package dev.acclimate.models.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Backpropagation.Normalization;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class BackpropagationTest {

  /** An empty graph with the given inputs to write nodes into. */
  private static GraphEditor graph(long opset, Map<String, long[]> inputs) {
    ModelProto proto =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
            .setGraph(GraphProto.newBuilder().setName("test"))
            .build();
    GraphEditor editor = new GraphEditor(OnnxModel.of(proto, "test"));
    inputs.forEach((name, shape) -> editor.addInput(name, ElementType.FP32, shape));
    return editor;
  }

  private static ModelSession open(OnnxModel model) {
    return ModelSession.open(model, new SessionSettings(ExecutionProvider.CPU, 1));
  }

  @Test
  void refusesOperatorWithoutRuleByNodeAndOperator() {
    GraphEditor forward = graph(17, Map.of("x", new long[] {2}));
    forward.append(
        List.of(
            NodeProto.newBuilder()
                .setOpType("Cosh")
                .setName("strange one")
                .addInput("x")
                .addOutput("y")
                .build()));
    OperatorWriter write = forward.writer("");
    String loss = write.reduceSum("y", false, 0);
    forward.append(write.nodes());
    forward.addOutput(loss, ElementType.FP32);
    GraphEditor editor = new GraphEditor(forward.build());

    assertThatThrownBy(
            () -> Backpropagation.append(editor, loss, List.of("x"), Normalization.FROZEN))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("strange one")
        .hasMessageContaining("Cosh");
    assertThat(editor.build().graph()).isEqualTo(forward.build().graph());
  }

  @Test
  void refusesParameterThatTheLossDoesNotDependOn() {
    GraphEditor forward = graph(17, Map.of("x", new long[] {2}, "other", new long[] {2}));
    OperatorWriter write = forward.writer("");
    String loss = write.reduceSum("x", false, 0);
    write.relu("other");
    forward.append(write.nodes());
    forward.addOutput(loss, ElementType.FP32);

    assertThatThrownBy(
            () ->
                Backpropagation.append(
                    new GraphEditor(forward.build()), loss, List.of("other"), Normalization.FROZEN))
        .hasMessageContaining("does not depend on 'other'");
  }

  @Test
  void refusesOldOperatorSet() {
    GraphEditor forward = graph(10, Map.of("x", new long[] {2}));
    OperatorWriter write = forward.writer("");
    String loss = write.reduceSum("x", false, 0);
    forward.append(write.nodes());

    assertThatThrownBy(
            () ->
                Backpropagation.append(
                    new GraphEditor(forward.build()), loss, List.of("x"), Normalization.FROZEN))
        .hasMessageContaining("operator set 10");
  }

  @Test
  void refusesLossOfManyElements() {
    GraphEditor forward = graph(17, Map.of("x", new long[] {2}));
    OperatorWriter write = forward.writer("");
    String loss = write.relu("x");
    forward.append(write.nodes());
    forward.addOutput(loss, ElementType.FP32, 2);

    assertThatThrownBy(
            () ->
                Backpropagation.append(
                    new GraphEditor(forward.build()), loss, List.of("x"), Normalization.FROZEN))
        .hasMessageContaining("loss of one element");
  }

  @Test
  void sumsGradientsOfTensorUsedTwice() {
    GraphEditor forward = graph(17, Map.of("x", new long[] {3}));
    OperatorWriter write = forward.writer("");
    String loss = write.reduceSum(write.add(write.mul("x", "x"), "x"), false, 0); // x^2 + x
    forward.append(write.nodes());
    forward.addOutput(loss, ElementType.FP32);
    GraphEditor editor = new GraphEditor(forward.build());
    Backpropagation pass = Backpropagation.append(editor, loss, List.of("x"), Normalization.FROZEN);
    String gradient = Objects.requireNonNull(pass.gradients().get("x"));
    editor.addOutput(gradient, ElementType.FP32, 3);

    try (ModelSession session = open(editor.build())) {
      Map<String, Tensor> results = session.run(Map.of("x", Tensor.of(new float[] {1, -2, 3}, 3)));
      assertThat(Objects.requireNonNull(results.get(gradient)).toFloatArray())
          .containsExactly(3, -3, 7);
    }
  }

  @Test
  void computesOnlyWhatTheParameterNeeds() {
    GraphEditor forward =
        graph(17, Map.of("x", new long[] {1, 2, 5, 5}, "w", new long[] {3, 2, 3, 3}));
    OperatorWriter write = forward.writer("");
    String y = write.emit("Conv", List.of(write.relu("x"), "w"));
    String loss = write.reduceSum(y, false, 0, 1, 2, 3);
    forward.append(write.nodes());
    forward.addOutput(loss, ElementType.FP32);
    GraphEditor editor = new GraphEditor(forward.build());
    Backpropagation.append(editor, loss, List.of("w"), Normalization.FROZEN);

    // the input's gradient would be a transposed convolution and a step through the Relu; that of
    // the weights is one convolution of one group a row of the kernel
    assertThat(editor.build().graph().getNodeList())
        .extracting(NodeProto::getOpType)
        .filteredOn("Conv"::equals)
        .hasSize(1 + 3);
    assertThat(editor.build().graph().getNodeList())
        .extracting(NodeProto::getOpType)
        .doesNotContain("ConvTranspose", "Greater");
  }

  /** The loss {@code sum(node(x))} of a node over {@code x [2, 3]}, {@code x} its first input. */
  private static void differentiate(long opset, NodeProto.Builder node, Consumer<GraphEditor> add) {
    differentiate(opset, node, add, ElementType.FP32);
  }

  private static void differentiate(
      long opset, NodeProto.Builder node, Consumer<GraphEditor> add, ElementType type) {
    GraphEditor forward = graph(opset, Map.of("x", new long[] {2, 3}));
    add.accept(forward);
    forward.append(List.of(node.setName("the node").addOutput("y").build()));
    OperatorWriter write = forward.writer("");
    String loss = write.node("ReduceSum", "y");
    forward.append(write.nodes());
    forward.addOutput(loss, type, 1, 1);
    Backpropagation.append(
        new GraphEditor(forward.build()), loss, List.of("x"), Normalization.FROZEN);
  }

  private static NodeProto.Builder node(String operator, String... inputs) {
    return NodeProto.newBuilder().setOpType(operator).addAllInput(List.of(inputs));
  }

  @Test
  void refusesFormsOfOperatorsThatItsRulesDoNotKnow() {
    AttributeProto reflect =
        AttributeProto.newBuilder()
            .setName("mode")
            .setType(AttributeProto.AttributeType.STRING)
            .setS(ByteString.copyFromUtf8("reflect"))
            .build();
    assertThatThrownBy(
            () ->
                differentiate(
                    17,
                    node("Pad", "x", "pads").addAttribute(reflect),
                    g -> g.addInput("pads", ElementType.INT64, 4)))
        .hasMessage(
            "node 'the node' (Pad) cannot be differentiated: mode reflect: expected constant");
    assertThatThrownBy(
            () ->
                differentiate(
                    13,
                    node("Gather", "x", "indices"),
                    g -> g.addInput("indices", ElementType.INT64, 4)))
        .hasMessageContaining("'the node' (Gather)")
        .hasMessageContaining("operator set 16, the model has 13");
    assertThatThrownBy(
            () ->
                differentiate(
                    17,
                    node("Dropout", "x", "", "training"),
                    g -> g.addInput("training", ElementType.BOOL)))
        .hasMessageContaining("'the node' (Dropout)")
        .hasMessageContaining("training_mode");
  }

  @Test
  void refusesBranchesThatReadAParameterOnTheirOwn() {
    GraphProto branch =
        GraphProto.newBuilder()
            .setName("branch")
            .addNode(node("Neg", "x").addOutput("negative"))
            .addOutput(ValueInfoProto.newBuilder().setName("negative"))
            .build();
    NodeProto.Builder choice = node("If", "condition");
    for (String name : List.of("then_branch", "else_branch")) {
      choice.addAttribute(
          AttributeProto.newBuilder()
              .setName(name)
              .setType(AttributeProto.AttributeType.GRAPH)
              .setG(branch));
    }
    assertThatThrownBy(
            () -> differentiate(17, choice, g -> g.addInput("condition", ElementType.BOOL)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'the node' (If)");
  }

  @Test
  void refusesDoublePrecision() {
    assertThatThrownBy(
            () ->
                differentiate(
                    17,
                    node("Cast", "x").addAttribute(OperatorWriter.integer("to", 11)),
                    g -> {},
                    ElementType.FP64))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("FP64");
  }

  @Test
  void integersCarryNoGradient() {
    assertThatThrownBy(
            () ->
                differentiate(
                    17,
                    node("Cast", "floor").addAttribute(OperatorWriter.integer("to", 1)),
                    g ->
                        g.append(
                            List.of(
                                node("Cast", "x")
                                    .addAttribute(OperatorWriter.integer("to", 7))
                                    .addOutput("floor")
                                    .build()))))
        .hasMessageContaining("does not depend on 'x'");
  }

  @Test
  void leavesBranchesThatLeadToNoParameterAlone() {
    GraphEditor forward = graph(17, Map.of("x", new long[] {2}, "w", new long[] {2}));
    OperatorWriter write = forward.writer("");
    String loss =
        write.node("ReduceSum", write.mul(write.node("Cosh", "x"), write.node("Exp", "w")));
    forward.append(write.nodes());
    forward.addOutput(loss, ElementType.FP32, 1);
    GraphEditor editor = new GraphEditor(forward.build());
    Backpropagation.append(editor, loss, List.of("w"), Normalization.FROZEN);

    // forward: Cosh, Exp, Mul, ReduceSum; backward: one product for each of Mul and Exp, no rule
    // for Cosh asked for
    assertThat(editor.build().graph().getNodeList())
        .extracting(NodeProto::getOpType)
        .containsExactly("Cosh", "Exp", "Mul", "ReduceSum", "Expand", "Mul", "Mul");
  }

  @Test
  void crossEntropyAgreesWithItsDefinition() {
    Random random = new Random(1);
    PlainArray logits = PlainArray.random(random, 4, 5);
    int[] labels = {0, 4, 2, 2};
    double smoothing = 0.1;
    GraphEditor forward = graph(17, Map.of("x", new long[] {4, 5}));
    forward.addInput("labels", ElementType.INT64, 4);
    OperatorWriter write = forward.writer("");
    write.alias("logits", "x");
    forward.append(write.nodes());
    forward.addOutput("logits", ElementType.FP32, 4, 5);
    GraphEditor editor = new GraphEditor(forward.build());
    String loss = CrossEntropy.append(editor, "logits", "labels", smoothing);
    editor.retainOutputs(Set.of());
    editor.addOutput(loss, ElementType.FP32);

    double expected = 0;
    for (int row = 0; row < 4; row++) {
      double sum = 0;
      for (int c = 0; c < 5; c++) {
        sum += Math.exp(logits.at(row, c));
      }
      for (int c = 0; c < 5; c++) {
        double target = smoothing / 5 + (c == labels[row] ? 1 - smoothing : 0);
        expected -= target * (logits.at(row, c) - Math.log(sum)) / 4;
      }
    }
    Tensor classes = Tensor.allocate(ElementType.INT64, 4);
    for (int i = 0; i < 4; i++) {
      classes.longs().put(i, labels[i]);
    }
    try (ModelSession session = open(editor.build())) {
      Map<String, Tensor> results =
          session.run(Map.of("x", Tensor.of(logits.floats(), 4, 5), "labels", classes));
      float found = Objects.requireNonNull(results.get(loss)).floats().get(0);
      assertThat((double) found).isCloseTo(expected, within(1e-5));
    }
  }
}
