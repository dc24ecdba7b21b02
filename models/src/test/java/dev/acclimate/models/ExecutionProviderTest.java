package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExecutionProviderTest {

  @ParameterizedTest
  @CsvSource({
    "auto, AUTO, 0",
    "cpu, CPU, 0",
    "cuda, CUDA, 0",
    "cuda:0, CUDA, 0",
    "cuda:3, CUDA, 3",
    "tensorrt:1, TENSORRT, 1",
    "openvino, OPENVINO, 0",
    "coreml, COREML, 0",
    "directml:2, DIRECTML, 2",
    "xnnpack, XNNPACK, 0",
    "webgpu, WEBGPU, 0"
  })
  void readsEveryName(String text, ExecutionProvider.Kind kind, int device) {
    assertThat(ExecutionProvider.parse(text)).isEqualTo(new ExecutionProvider(kind, device));
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "cpu", "cuda", "cuda:3", "tensorrt:1", "webgpu"})
  void readsBackWhatItPrints(String text) {
    assertThat(ExecutionProvider.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "gpu",
        "CUDA",
        "cuda:",
        "cuda:x",
        "cuda:-1",
        "cuda:1000",
        "cpu:0",
        "auto:1",
        " cpu"
      })
  void refusesOtherNamesAndListsThese(String text) {
    assertThatThrownBy(() -> ExecutionProvider.parse(text))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("unknown execution provider '" + text + "': expected one of auto, ")
        .hasMessageContaining("cuda[:id]")
        .hasMessageContaining("cpu");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cuda", "cuda:1", "tensorrt", "openvino", "coreml", "directml", "webgpu"})
  void aMissingProviderSaysWhatIsThereAndWhatBringsIt(String text) {
    ExecutionProvider provider = ExecutionProvider.parse(text);
    assumeFalse(provider.kind().isOffered(), text + " is there");

    assertThatThrownBy(
            () ->
                ModelSession.open(
                    ModelSketch.oneSite(17, 4).model(), new SessionSettings(provider, 1)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("execution provider '" + text + "' is missing: ")
        .hasMessageContaining("offers ")
        .hasMessageContaining("cpu")
        .hasMessageContaining("-Pgpu");
  }

  @Test
  void autoEndsWithTheProviderThatIsAlwaysThere() {
    assertThat(ExecutionProvider.AUTO.candidates()).last().isEqualTo(ExecutionProvider.CPU);
  }

  @Test
  void autoOpensASession() {
    try (ModelSession session =
        ModelSession.open(ModelSketch.oneSite(17, 4).model(), SessionSettings.DEFAULT)) {
      assertThat(session.provider().kind()).isNotEqualTo(ExecutionProvider.Kind.AUTO);
    }
  }
}
