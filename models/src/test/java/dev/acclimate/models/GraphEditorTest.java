package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Edits leave the rest of a model as it was. */
class GraphEditorTest {
  private static final String PARAMETERS = " gamma beta mean variance";
  private static final float[] SHIFT = {10, -20};

  private static GraphProto branch(String inner) {
    return GraphProto.newBuilder()
        .setName(inner + "_branch")
        .addNode(ModelSketch.nodeOf("Neg", inner + "_node", "x", inner))
        .addNode(ModelSketch.nodeOf("Identity", "", inner, inner + "_out"))
        .addOutput(ModelSketch.value(inner + "_out", TensorProto.DataType.FLOAT, "batch", 2L))
        .build();
  }

  private static ModelSketch withBranches() {
    return ModelSketch.ofOpset(17)
        .input("x", "batch", 2L)
        .input("choice", TensorProto.DataType.BOOL)
        .output("y", "batch", 2L)
        .initializer("taken", new float[] {1})
        .node(
            "If",
            "if",
            "choice",
            "y",
            ModelSketch.graph("then_branch", branch("left")),
            ModelSketch.graph("else_branch", branch("right")));
  }

  @Test
  void freshNamesCollideWithNothingInTheModelOrItsBranches() {
    GraphEditor editor = new GraphEditor(withBranches().model());

    for (String taken :
        List.of("x", "y", "choice", "taken", "if", "left", "left_node", "left_out", "right_out")) {
      assertThat(editor.freshName(taken)).isNotEqualTo(taken).startsWith(taken);
    }
  }

  @Test
  void freshNamesCollideWithNoOtherFreshName() {
    GraphEditor editor = new GraphEditor(withBranches().model());
    Set<String> given = new java.util.HashSet<>();

    for (String wanted : List.of("n", "n", "n_1", "n", "n_1", "n_2", "n")) {
      assertThat(given.add(editor.freshName(wanted))).as(wanted).isTrue();
    }
  }

  @Test
  void keepsInitializersThatOnlyBranchesRead() {
    GraphProto reader =
        GraphProto.newBuilder()
            .setName("reader")
            .addNode(ModelSketch.nodeOf("Add", "", "x taken", "sum"))
            .addOutput(ModelSketch.value("sum", TensorProto.DataType.FLOAT, "batch", 2L))
            .build();
    OnnxModel model =
        ModelSketch.ofOpset(17)
            .input("x", "batch", 2L)
            .input("choice", TensorProto.DataType.BOOL)
            .output("y", "batch", 2L)
            .initializer("taken", new float[] {1}, 1)
            .initializer("forgotten", new float[] {1}, 1)
            .node(
                "If",
                "if",
                "choice",
                "y",
                ModelSketch.graph("then_branch", reader),
                ModelSketch.graph("else_branch", branch("right")))
            .model();

    OnnxModel edited = new GraphEditor(model).build();

    assertThat(edited.graph().getInitializerList())
        .extracting(TensorProto::getName)
        .containsExactly("taken");
  }

  @Test
  void refusesAnInputWhoseNameIsTaken() {
    GraphEditor editor = new GraphEditor(withBranches().model());

    assertThatThrownBy(() -> editor.addInput("left", ElementType.FP32, 2))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("sketch: already has a tensor 'left': is it adapted already?");
  }

  @Test
  void equalConstantsAreOne() {
    GraphEditor editor = new GraphEditor(withBranches().model());
    TensorProto one = Constants.tensor(new float[] {1, 2}, 2);

    String name = editor.constant("c", one);

    assertThat(editor.constant("d", one)).isEqualTo(name);
    assertThat(editor.constant("c", Constants.tensor(new float[] {1, 2}, 1, 2))).isNotEqualTo(name);
  }

  @Test
  void replacesMetadataAndKeepsTheRest() {
    GraphEditor first = new GraphEditor(withBranches().model());
    first.setMetadata("a", "1");
    first.setMetadata("b", "2");
    GraphEditor second = new GraphEditor(first.build());
    second.setMetadata("a", "3");

    OnnxModel edited = second.build();

    assertThat(edited.metadata("a")).hasValue("3");
    assertThat(edited.metadata("b")).hasValue("2");
    assertThat(edited.proto().getMetadataPropsCount()).isEqualTo(2);
  }

  @Test
  void parametersDeclaredAsInputsStayOptionalInputs() {
    ModelSketch sketch = ModelSketch.oneSite(9, 4).irVersion(3).input("gamma", 2L);

    OnnxModel edited = new GraphEditor(sketch.model()).build();

    assertThat(edited.inputs()).extracting(TensorInfo::name).containsExactly("x");
    assertThat(edited.proto().getIrVersion()).isGreaterThanOrEqualTo(4);
  }

  /** The convolution model with "bn" last, its convolution and other nodes as given. */
  private static ModelSketch convolution(NodeProto... nodes) {
    ModelSketch sketch =
        ModelSketch.convolutionAndSite().initializer("bias", new float[] {5, 6}, 2);
    for (NodeProto node : nodes) {
      sketch.node(node);
    }
    return sketch.node("BatchNormalization", "bn", "h" + PARAMETERS, "y");
  }

  private static boolean subtract(GraphEditor editor) {
    return editor.subtractInConvolution("h", editor.model().graph().getNodeCount() - 1, SHIFT);
  }

  private static float[] run(OnnxModel model) {
    float[] x = new float[2 * 3 * 16];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 37 % 11) - 5;
    }
    try (ModelSession session = ModelSession.open(model, SessionSettings.DEFAULT);
        Tensor input = Tensor.of(x, 2, 3, 4, 4)) {
      return session.run(Map.of("x", input)).get("y").toFloatArray();
    }
  }

  /** What subtracting from bn's input does to its output, by the formula. */
  private static float[] shifted(float[] y) {
    float[] gamma = {1.5f, -0.5f};
    float[] variance = {4, 0.25f};
    float[] shifted = y.clone();
    for (int i = 0; i < y.length; i++) {
      int c = i / 16 % 2;
      shifted[i] -= (float) (gamma[c] * SHIFT[c] / Math.sqrt(variance[c] + 1e-5));
    }
    return shifted;
  }

  @Test
  void subtractsByWayOfAConvolutionsBias() {
    for (String inputs : List.of("x weight bias", "x weight", "x weight ")) {
      NodeProto.Builder conv = ModelSketch.nodeOf("Conv", "conv", inputs, "h").toBuilder();
      if (inputs.endsWith(" ")) {
        conv.addInput(""); // an optional input, left out by name
      }
      OnnxModel model = convolution(conv.build()).model();
      GraphEditor editor = new GraphEditor(model);

      assertThat(subtract(editor)).isTrue();

      assertThat(run(editor.build())).containsExactly(shifted(run(model)), within(1e-4f));
    }
  }

  @Test
  void leavesABiasThatOthersShareAlone() {
    ModelSketch sketch =
        ModelSketch.convolutionAndSite()
            .initializer("bias", new float[] {5, 6}, 2)
            .output("other", "batch", 2L, 4L, 4L)
            .node("Conv", "conv", "x weight bias", "h")
            .node("Conv", "twin", "x weight bias", "other")
            .node("BatchNormalization", "bn", "h" + PARAMETERS, "y");
    GraphEditor editor = new GraphEditor(sketch.model());

    assertThat(subtract(editor)).isTrue();

    assertThat(editor.build().graph().getNode(1).getInput(2)).isEqualTo("bias");
  }

  private static void assertLeftAlone(ModelSketch sketch) {
    OnnxModel model = sketch.model();
    GraphEditor editor = new GraphEditor(model);

    assertThat(subtract(editor)).isFalse();

    assertThat(editor.build().graph().getNodeList()).isEqualTo(model.graph().getNodeList());
  }

  @Test
  void doesNotSubtractFromWhatAnotherNodeReads() {
    assertLeftAlone(
        convolution(
                ModelSketch.nodeOf("Conv", "conv", "x weight bias", "h"),
                ModelSketch.nodeOf("Relu", "relu", "h", "second"))
            .output("second", "batch", 2L, 4L, 4L));
  }

  @Test
  void doesNotSubtractFromWhatABranchReads() {
    GraphProto reader =
        GraphProto.newBuilder()
            .setName("reader")
            .addNode(ModelSketch.nodeOf("Neg", "", "h", "negative"))
            .addOutput(ModelSketch.value("negative", TensorProto.DataType.FLOAT, "batch", 2L))
            .build();
    AttributeProto then = ModelSketch.graph("then_branch", reader);
    AttributeProto otherwise = ModelSketch.graph("else_branch", reader);
    assertLeftAlone(
        convolution(
                ModelSketch.nodeOf("Conv", "conv", "x weight bias", "h"),
                ModelSketch.nodeOf("If", "if", "choice", "second", then, otherwise))
            .input("choice", TensorProto.DataType.BOOL)
            .output("second", "batch", 2L, 4L, 4L));
  }

  @Test
  void doesNotSubtractFromAnOutputOfTheModel() {
    assertLeftAlone(
        convolution(ModelSketch.nodeOf("Conv", "conv", "x weight bias", "h"))
            .output("h", "batch", 2L, 4L, 4L));
  }

  @Test
  void doesNotSubtractByWayOfABiasThatIsComputed() {
    assertLeftAlone(
        convolution(
            ModelSketch.nodeOf("Abs", "abs", "bias", "computed"),
            ModelSketch.nodeOf("Conv", "conv", "x weight computed", "h")));
  }

  @Test
  void doesNotSubtractFromWhatIsNoConvolution() {
    assertLeftAlone(
        convolution(
            ModelSketch.nodeOf("Conv", "conv", "x weight bias", "g"),
            ModelSketch.nodeOf("Relu", "relu", "g", "h")));
  }

  @Test
  void doesNotSubtractFromAnInput() {
    OnnxModel model = ModelSketch.oneSite(17, 4, 4).model();

    assertThat(new GraphEditor(model).subtractInConvolution("x", 0, SHIFT)).isFalse();
  }
}
