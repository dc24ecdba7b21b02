package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** States as files. */
class AdaptationStateTest {
  private final OnnxModel model = TwoSiteModel.of(1);
  private final AdaptedModel unmix = adapted("unmix-tns[components=3]");
  @TempDir private Path folder;

  private AdaptedModel adapted(String method) {
    return AdaptedModel.adapt(model, Method.parse(method));
  }

  private Path written(AdaptedModel adapted) {
    Path file = folder.resolve("state.safetensors");
    adapted.initialState(5, null).write(file);
    return file;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ema",
        "unmix-tns[components=1]",
        "unmix-tns[components=7]",
        "tbn",
        "adab2n",
        "adab2n[tasks=detected]",
        "adab2n[renormalize=false]"
      })
  void readsBackWhatItWrote(String method) {
    AdaptedModel adapted = adapted(method);
    AdaptationState state = adapted.initialState(5, null);
    Path file = written(adapted);

    AdaptationState read = AdaptationState.read(file, adapted);

    assertThat(read.step()).isEqualTo(state.step());
    assertThat(read.tensors().keySet()).isEqualTo(state.tensors().keySet());
    state
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(read.tensors().get(name).bytes()).as(name).isEqualTo(tensor.bytes()));
  }

  @Test
  void isASafetensorsFileThatAnyoneCanRead() throws Exception {
    ByteBuffer content =
        ByteBuffer.wrap(Files.readAllBytes(written(unmix))).order(ByteOrder.LITTLE_ENDIAN);
    byte[] json = new byte[Math.toIntExact(content.getLong())];
    content.get(json);
    JsonNode header = new ObjectMapper().readTree(new String(json, StandardCharsets.UTF_8));

    assertThat(header.propertyStream().map(Map.Entry::getKey))
        .containsExactlyInAnyOrder("__metadata__", "component_mean", "component_var");
    JsonNode metadata = header.get("__metadata__");
    assertThat(metadata.get("model_digest").textValue()).isEqualTo(model.digest());
    assertThat(metadata.get("method").textValue()).isEqualTo("unmix-tns");
    assertThat(metadata.get("options").textValue()).contains("components=3");
    assertThat(metadata.get("step").textValue()).isEqualTo("0");
    JsonNode variance = header.get("component_var");
    assertThat(variance.get("dtype").textValue()).isEqualTo("F32");
    assertThat(variance.get("shape")).hasToString("[3,9]");
    int begin = variance.get("data_offsets").get(0).intValue();
    assertThat(variance.get("data_offsets").get(1).intValue() - begin).isEqualTo(4 * 3 * 9);
    float[] values = new float[27];
    ByteBuffer data = content.slice().order(ByteOrder.LITTLE_ENDIAN);
    data.position(begin);
    data.asFloatBuffer().get(values);
    assertThat(values)
        .containsExactly(unmix.initialState(5, null).tensors().get("component_var").toFloatArray());
  }

  @Test
  void isRefusedByAnotherModelWithBothNamed() {
    Path file = written(unmix);
    OnnxModel other = TwoSiteModel.of(2);
    AdaptedModel others = AdaptedModel.adapt(other, Method.parse("unmix-tns[components=3]"));

    assertThatThrownBy(() -> AdaptationState.read(file, others))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": is the state of another model")
        .hasMessageContaining(other.digest().substring(0, 12))
        .hasMessageContaining(model.digest().substring(0, 12));
  }

  @Test
  void isRefusedByAnotherMethodWithBothNamed() {
    Path file = written(unmix);

    assertThatThrownBy(() -> AdaptationState.read(file, adapted("ema")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": method: expected ema, found unmix-tns");
  }

  @Test
  void isRefusedByAnotherShapeWithBothNamed() {
    Path file = written(unmix);

    assertThatThrownBy(() -> AdaptationState.read(file, adapted("unmix-tns[components=4]")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": tensor 'component_mean': expected FP32 [4, 9], found FP32 [3, 9]");
  }

  /** Writes the initial state with one thing changed. */
  private Path changed(String key, String value, Tensor mean) {
    AdaptationState state = unmix.initialState(5, null);
    Map<String, Tensor> tensors = new HashMap<>(state.tensors());
    tensors.put("component_mean", mean);
    Map<String, String> metadata =
        new HashMap<>(
            Map.of(
                "model_digest", model.digest(), "method", "unmix-tns", "options", "", "step", "4"));
    metadata.put(key, value);
    Path file = folder.resolve("changed.safetensors");
    new Safetensors(tensors, metadata).write(file);
    return file;
  }

  private Tensor mean() {
    return unmix.initialState(5, null).tensors().get("component_mean");
  }

  @Test
  void isRefusedWhereItsTypeIsAnother() {
    Path file = changed("step", "4", Tensor.allocate(ElementType.INT64, 3, 9));

    assertThatThrownBy(() -> AdaptationState.read(file, unmix))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": tensor 'component_mean': expected FP32 [3, 9], found INT64 [3, 9]");
  }

  @Test
  void isRefusedWhereAValueIsNotFinite() {
    Tensor broken = mean();
    broken.floats().put(7, Float.POSITIVE_INFINITY);
    Path file = changed("step", "4", broken);

    assertThatThrownBy(() -> AdaptationState.read(file, unmix))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": tensor 'component_mean' holds values that are not finite");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "four", "4.5", "-1"})
  void isRefusedWhereItsStepIsNoCount(String step) {
    Path file = changed("step", step, mean());

    assertThatThrownBy(() -> AdaptationState.read(file, unmix))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": metadata 'step': expected a number")
        .hasMessageEndingWith("found '" + step + "'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "f"})
  void isRefusedWhereItsDigestIsMissingOrCut(String digest) {
    Path file = changed("model_digest", digest, mean());

    assertThatThrownBy(() -> AdaptationState.read(file, unmix))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": is the state of another model");
  }

  @Test
  void aCalibrationIsNoState() {
    Path file = folder.resolve("calibration.safetensors");
    new Calibration(model.digest(), 1, Map.of(), Map.of()).write(file);

    assertThatThrownBy(() -> AdaptationState.read(file, unmix))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": method: expected unmix-tns, found ");
  }
}
