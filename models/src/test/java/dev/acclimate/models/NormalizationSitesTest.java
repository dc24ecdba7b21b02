package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which nodes are normalization sites, and why others are not. */
class NormalizationSitesTest {
  private static final long[] SQUARE = {4, 4};

  /** Operator sets from the oldest that we know to the newest that this ONNX Runtime accepts. */
  static LongStream opsets() {
    return LongStream.iterate(OnnxModel.OLDEST_OPSET, NormalizationSitesTest::runs, n -> n + 1);
  }

  private static boolean runs(long opset) {
    try (ModelSession session =
        ModelSession.open(ModelSketch.oneSite(opset, SQUARE).model(), SessionSettings.DEFAULT)) {
      return !session.outputs().isEmpty();
    } catch (InvalidInputException e) {
      return false;
    }
  }

  @Test
  void theNewestOperatorSetIsRecent() {
    assertThat(opsets().max().orElseThrow()).isGreaterThanOrEqualTo(24);
  }

  @ParameterizedTest
  @MethodSource("opsets")
  void findsASiteInEveryOperatorSet(long opset) {
    NormalizationSite site =
        NormalizationSites.find(ModelSketch.oneSite(opset, SQUARE).model()).get(0);

    assertThat(site.name()).isEqualTo("bn");
    assertThat(site.channels()).isEqualTo(2);
    assertThat(site.epsilon()).isEqualTo(1e-5f);
    assertThat(site.gamma()).containsExactly(1.5f, -0.5f);
    assertThat(site.beta()).containsExactly(0.25f, 1);
    assertThat(site.mean()).containsExactly(2, -3);
    assertThat(site.variance()).containsExactly(4, 0.25f);
    assertThat(site.isSpatial()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void findsSitesOfAnyNumberOfAxes(int axes) {
    long[] spatial = LongStream.range(0, axes).map(axis -> axis + 2).toArray();

    NormalizationSite site =
        NormalizationSites.find(ModelSketch.oneSite(17, spatial).model()).get(0);

    assertThat(site.rank()).isEqualTo(2 + axes);
    assertThat(site.isSpatial()).isEqualTo(axes > 0);
  }

  private static ModelSketch bare() {
    return ModelSketch.ofOpset(17).input("x", "batch", 2L, 4L, 4L).output("y", "batch", 2L, 4L, 4L);
  }

  @Test
  void readsParametersFromConstantNodesAndBehindIdentities() {
    TensorProto raw =
        TensorProto.newBuilder()
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .addDims(2)
            .setRawData(ByteString.copyFrom(new byte[] {0, 0, (byte) 128, 63, 0, 0, 0, 64}))
            .build();
    OnnxModel model =
        bare()
            .parameters()
            .node("Constant", "", "", "g", ModelSketch.tensor("value", raw))
            .node("Identity", "", "beta", "b")
            .node("Identity", "", "mean", "m1")
            .node("Identity", "", "m1", "m2")
            .node("Identity", "", "m2", "m3")
            .node("BatchNormalization", "bn", "x g b m3 variance", "y")
            .model();

    NormalizationSite site = NormalizationSites.find(model).get(0);

    assertThat(site.gamma()).containsExactly(1, 2);
    assertThat(site.beta()).containsExactly(0.25f, 1);
    assertThat(site.mean()).containsExactly(2, -3);
  }

  @Test
  void readsParametersThatAreDeclaredAsInputsToo() {
    ModelSketch sketch = ModelSketch.oneSite(9, SQUARE).irVersion(3);
    for (String parameter : List.of("gamma", "beta", "mean", "variance")) {
      sketch.input(parameter, 2L);
    }
    OnnxModel model = sketch.model();

    assertThat(NormalizationSites.find(model).get(0).mean()).containsExactly(2, -3);
    assertThat(model.inputs()).extracting(TensorInfo::name).containsExactly("x");
  }

  private static String obstacle(ModelSketch sketch) {
    SiteReport report = NormalizationSites.inspect(sketch.model()).get(0);
    assertThat(report.adaptable()).isFalse();
    return report.obstacle();
  }

  @Test
  void tellsWhyANodeInTrainingModeCannotAdapt() {
    ModelSketch sketch =
        bare()
            .parameters()
            .node(
                "BatchNormalization",
                "bn",
                "x gamma beta mean variance",
                "y m v",
                OperatorWriter.integer("training_mode", 1));

    assertThat(obstacle(sketch)).isEqualTo("in training mode; export in evaluation mode");
  }

  @Test
  void tellsWhyParametersThatAreNotConstantCannotAdapt() {
    ModelSketch sketch =
        bare()
            .parameters()
            .input("scale", 2L)
            .node("BatchNormalization", "bn", "x scale beta mean variance", "y");

    assertThat(obstacle(sketch)).isEqualTo("scale is not a constant float32 vector");
  }

  @Test
  void tellsWhyHalfPrecisionCannotAdapt() {
    ModelSketch sketch =
        ModelSketch.ofOpset(17)
            .input("x", TensorProto.DataType.FLOAT16, "batch", 2L, 4L, 4L)
            .output("y", TensorProto.DataType.FLOAT16, "batch", 2L, 4L, 4L);
    for (String parameter : List.of("gamma", "beta", "mean", "variance")) {
      sketch.initializer(
          TensorProto.newBuilder()
              .setName(parameter)
              .setDataType(TensorProto.DataType.FLOAT16.getNumber())
              .addDims(2)
              .addInt32Data(0x3C00)
              .addInt32Data(0x3C00)
              .build());
    }
    sketch.node("BatchNormalization", "bn", "x gamma beta mean variance", "y");

    assertThat(obstacle(sketch)).isEqualTo("scale is not a constant float32 vector");
  }

  @Test
  void tellsWhyParametersThatAreNotFiniteCannotAdapt() {
    ModelSketch sketch =
        bare()
            .parameters()
            .initializer("broken", new float[] {1, Float.NaN}, 2)
            .node("BatchNormalization", "bn", "x gamma beta broken variance", "y");

    assertThat(obstacle(sketch)).isEqualTo("mean holds NaN");
  }

  @Test
  void tellsWhyOtherNormalizationsHaveNothingToAdapt() {
    ModelSketch sketch =
        bare().parameters().node("InstanceNormalization", "in", "x gamma beta", "y");

    assertThat(obstacle(sketch)).contains("normalizes each sample by itself");
  }

  @Test
  void refusesAModelWithoutSiteNamingItsOperatorsAndTheWayOut() {
    OnnxModel model =
        bare()
            .node("Relu", "", "x", "a")
            .node("Relu", "", "a", "b")
            .node("Abs", "", "b", "y")
            .model();

    assertThatThrownBy(() -> NormalizationSites.find(model))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "sketch: no normalization site that can adapt: found 2 Relu, 1 Abs;")
        .hasMessageContaining("acclimate calibrate");
  }

  @Test
  void refusesAModelWhoseSitesCannotAdaptNamingTheirReasons() {
    OnnxModel model =
        bare().parameters().node("InstanceNormalization", "in", "x gamma beta", "y").model();

    assertThatThrownBy(() -> NormalizationSites.find(model))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found InstanceNormalization 'in' (normalizes each sample by itself");
  }

  @Test
  void anotherDomainsOperatorOfThatNameIsNoSite() {
    ModelProto proto = ModelSketch.oneSite(17, SQUARE).proto();
    ModelProto.Builder foreign = proto.toBuilder();
    foreign.getGraphBuilder().getNodeBuilder(0).setDomain("com.example");
    OnnxModel model = OnnxModel.of(foreign.build(), "sketch");

    // the runtime does not know the operator; that it is not asked shows that there is no site
    assertThatThrownBy(() -> NormalizationSites.find(model))
        .isInstanceOf(InvalidInputException.class);
  }

  @Test
  void identitiesInACircleAreNoConstant() {
    ModelProto.Builder proto =
        bare()
            .parameters()
            .node("Identity", "", "p", "q")
            .node("Identity", "", "q", "p")
            .node("BatchNormalization", "bn", "x p beta mean variance", "y")
            .proto()
            .toBuilder();

    assertThatThrownBy(() -> NormalizationSites.inspect(OnnxModel.of(proto.build(), "circle")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("circle: ");
  }

  @Test
  void readsParametersFromConstantsThatListTheirNumbers() {
    AttributeProto numbers =
        AttributeProto.newBuilder()
            .setName("value_floats")
            .setType(AttributeProto.AttributeType.FLOATS)
            .addFloats(3)
            .addFloats(4)
            .build();
    OnnxModel model =
        bare()
            .parameters()
            .node("Constant", "", "", "g", numbers)
            .node("BatchNormalization", "bn", "x g beta mean variance", "y")
            .model();

    assertThat(NormalizationSites.find(model).get(0).gamma()).containsExactly(3, 4);
  }

  @Test
  void givesEverySiteANameOfItsOwn() {
    String parameters = " gamma beta mean variance";
    OnnxModel model =
        bare()
            .parameters()
            .node("BatchNormalization", "", "x" + parameters, "a")
            .node("BatchNormalization", "a", "a" + parameters, "b")
            // named as the output of one that has no name itself
            .node("BatchNormalization", "d", "b" + parameters, "c")
            .node("BatchNormalization", "", "c" + parameters, "d")
            .node("BatchNormalization", "", "d" + parameters, "y")
            .model();

    List<NormalizationSite> sites = NormalizationSites.find(model);

    assertThat(sites).extracting(NormalizationSite::name).hasSize(5).doesNotHaveDuplicates();
    assertThat(sites).extracting(NormalizationSite::nodeIndex).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void refusesASiteWithoutInputs() {
    OnnxModel model = bare().node("BatchNormalization", "bn", "", "y").model();

    assertThatThrownBy(() -> NormalizationSites.inspect(model))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("sketch: ONNX Runtime refuses the model: ");
  }
}
