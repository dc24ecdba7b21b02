package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a rewritten model looks like from outside. */
class AdaptedModelTest {
  private static final List<String> METHODS =
      List.of(
          "source",
          "tbn",
          "bn-prior",
          "ema",
          "alpha-bn",
          "unmix-tns[components=3]",
          "adab2n",
          "adab2n[tasks=none]",
          "adab2n[tasks=detected]",
          "adab2n[renormalize=false]");
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);

  static List<String> methods() {
    return METHODS;
  }

  private static AdaptedModel adapted(String method) {
    return AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse(method));
  }

  @ParameterizedTest
  @MethodSource("methods")
  void keepsInputsAndOutputsAndPutsStateBehindThem(String method) {
    AdaptedModel adapted = adapted(method);
    OnnxModel source = adapted.source();
    List<TensorInfo> inputs = adapted.model().inputs();
    List<TensorInfo> outputs = adapted.model().outputs();

    int states = adapted.layout().tensors().size();
    int own = source.inputs().size();
    assertThat(inputs.subList(0, own)).isEqualTo(source.inputs());
    assertThat(inputs.subList(own, inputs.size() - states))
        .extracting(TensorInfo::toString)
        .isEqualTo(
            adapted.method().readsTasks() ? List.of("acclimate/task INT64 [batch]") : List.of());
    assertThat(outputs.subList(0, outputs.size() - states)).isEqualTo(source.outputs());
    for (int i = 0; i < states; i++) {
      TensorInfo state = inputs.get(inputs.size() - states + i);
      TensorInfo next = outputs.get(outputs.size() - states + i);
      assertThat(state.name()).startsWith("acclimate/");
      assertThat(next.name()).isEqualTo(state.name() + "/next");
      assertThat(next.type()).isEqualTo(ElementType.FP32).isEqualTo(state.type());
      assertThat(next.dimensions()).isEqualTo(state.dimensions());
    }
  }

  @Test
  void namesItsStatesAsDocumented() {
    assertThat(adapted("ema").model().inputs())
        .extracting(TensorInfo::toString)
        .containsExactly(
            "image FP32 [batch, 3, 6, 6]",
            "acclimate/running_mean FP32 [9]",
            "acclimate/running_var FP32 [9]");
    assertThat(adapted("unmix-tns[components=3]").model().inputs())
        .extracting(TensorInfo::toString)
        .containsExactly(
            "image FP32 [batch, 3, 6, 6]",
            "acclimate/component_mean FP32 [3, 9]",
            "acclimate/component_var FP32 [3, 9]");
    assertThat(adapted("adab2n").model().inputs())
        .extracting(TensorInfo::toString)
        .containsExactly(
            "image FP32 [batch, 3, 6, 6]",
            "acclimate/task INT64 [batch]",
            "acclimate/running_mean FP32 [9]",
            "acclimate/running_var FP32 [9]",
            "acclimate/eta FP32 [1]");
    assertThat(adapted("adab2n[tasks=detected;slots=5]").model().inputs())
        .extracting(TensorInfo::toString)
        .endsWith("acclimate/domain_signature FP32 [5, 8]", "acclimate/domain_age FP32 [5]");
    assertThat(adapted("adab2n[renormalize=false;slots=5]").model().inputs())
        .extracting(TensorInfo::toString)
        .endsWith("acclimate/task_weight FP32 [5]", "acclimate/task_seen FP32 [5]");
    assertThat(adapted("adab2n[normalize=batch]").model().outputs())
        .extracting(TensorInfo::toString)
        .endsWith("acclimate/eta/next FP32 [1]", "acclimate/norm_loss FP32 [1]");
  }

  @Test
  void describesItsStateInItsMetadata() throws Exception {
    AdaptedModel adapted = adapted("unmix-tns[components=3;momentum=0.5]");
    String text =
        OnnxModel.parse(adapted.model().toBytes(), "written")
            .metadata("acclimate.state")
            .orElseThrow();

    JsonNode json = new ObjectMapper().readTree(text);

    assertThat(json.get("method").textValue()).isEqualTo("unmix-tns");
    assertThat(json.get("options").get("components").asText()).isEqualTo("3");
    assertThat(json.get("options").get("momentum").asText()).isEqualTo("0.5");
    assertThat(json.get("states")).hasSize(2);
    for (int i = 0; i < 2; i++) {
      JsonNode state = json.get("states").get(i);
      assertThat(state.get("name").textValue())
          .isEqualTo(List.of("acclimate/component_mean", "acclimate/component_var").get(i));
      assertThat(state.get("shape")).hasToString("[3,9]");
      assertThat(state.get("sites"))
          .hasToString(
              "[{\"name\":\"bn1\",\"offset\":0,\"channels\":4},"
                  + "{\"name\":\"bn2\",\"offset\":4,\"channels\":5}]");
    }
  }

  @Test
  void describesStatesThatTheModelKeepsOnceWithoutSites() throws Exception {
    String text = adapted("adab2n").model().metadata("acclimate.state").orElseThrow();

    JsonNode states = new ObjectMapper().readTree(text).get("states");

    assertThat(states).hasSize(3);
    assertThat(states.get(0).get("sites")).hasSize(2);
    assertThat(states.get(2))
        .hasToString(
            "{\"name\":\"acclimate/eta\",\"next\":\"acclimate/eta/next\",\"shape\":[1],"
                + "\"sites\":[]}");
  }

  @Test
  void theStatePacksSitesInGraphOrder() {
    OnnxModel source = TwoSiteModel.of(1);

    AdaptationState state = adapted("ema").initialState(0, null);

    float[] expected = new float[9];
    for (var tensor : source.graph().getInitializerList()) {
      int offset = tensor.getName().equals("mean1") ? 0 : tensor.getName().equals("mean2") ? 4 : -1;
      for (int c = 0; offset >= 0 && c < tensor.getFloatDataCount(); c++) {
        expected[offset + c] = tensor.getFloatData(c);
      }
    }
    assertThat(state.tensors().get("running_mean").toFloatArray()).containsExactly(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ema", "unmix-tns[components=3]", "tbn"})
  void refusesToAdaptWhatIsAdaptedAlready(String method) {
    OnnxModel once = OnnxModel.parse(adapted(method).model().toBytes(), "once");

    for (String second : METHODS) {
      assertThatThrownBy(() -> AdaptedModel.adapt(once, Method.parse(second)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("once: is adapted already; adapt the model that it was made from");
    }
  }

  @Test
  void aCalibratedStartNeedsACalibrationAndSaysHowToGetIt() {
    AdaptedModel adapted = adapted("unmix-tns[init=calibrated;components=10]");

    assertThatThrownBy(() -> adapted.initialState(0, null))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("acclimate calibrate two-sites.onnx --data SPEC --components 10");
  }

  @Test
  void unmixTnsHasNothingToDoWithoutASpatialAxis() {
    OnnxModel flat = OneSiteModel.random(4, new long[] {}, 0, 17, 1, false).model();

    assertThatThrownBy(() -> AdaptedModel.adapt(flat, Method.parse("unmix-tns")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("spatial axis")
        .hasMessageContaining("alpha-bn");
  }

  @Test
  void randomStartsRepeatWithTheirSeedOnly() {
    AdaptedModel adapted = adapted("unmix-tns[components=3]");
    float[] first = adapted.initialState(1, null).tensors().get("component_mean").toFloatArray();

    assertThat(adapted.initialState(1, null).tensors().get("component_mean").toFloatArray())
        .containsExactly(first);
    assertThat(adapted.initialState(2, null).tensors().get("component_mean").toFloatArray())
        .isNotEqualTo(first);
  }

  /** Operator sets from the oldest that we know to the newest that this ONNX Runtime accepts. */
  static LongStream opsets() {
    return LongStream.iterate(
        OnnxModel.OLDEST_OPSET,
        opset -> {
          try (ModelSession session = ModelSession.open(TwoSiteModel.of(1, opset), ONE_THREAD)) {
            return !session.outputs().isEmpty();
          } catch (InvalidInputException e) {
            return false;
          }
        },
        opset -> opset + 1);
  }

  @ParameterizedTest
  @MethodSource("opsets")
  void everyMethodAnswersAlikeInEveryOperatorSet(long opset) {
    try (Tensor images = TwoSiteModel.images(4, 3)) {
      for (String method : METHODS) {
        float[] expected = answer(TwoSiteModel.of(1, 17), method, images);

        float[] answer = answer(TwoSiteModel.of(1, opset), method, images);

        assertThat(PlainNormalization.relativeError(answer, PlainNormalization.widen(expected)))
            .as(method)
            .isLessThan(1e-5);
      }
    }
  }

  private static float[] answer(OnnxModel model, String method, Tensor images) {
    AdaptedModel adapted = AdaptedModel.adapt(model, Method.parse(method));
    try (AdaptiveModel adaptive =
        AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD)) {
      return adaptive.run(Map.of("image", images)).outputs().get("logits").toFloatArray();
    }
  }
}
