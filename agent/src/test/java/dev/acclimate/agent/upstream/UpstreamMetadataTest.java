package dev.acclimate.agent.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.TensorInfo;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UpstreamMetadataTest {
  private static final List<TensorInfo> INPUTS =
      List.of(
          new TensorInfo(
              "x", ElementType.FP32, List.of(Dimension.symbolic("batch"), Dimension.fixed(3))));
  private static final List<TensorInfo> OUTPUTS =
      List.of(new TensorInfo("y", ElementType.INT64, List.of(Dimension.symbolic("batch"))));

  private static void check(String inputs, String outputs) {
    UpstreamMetadata.parse(
            new JsonObject("{\"inputs\": " + inputs + ", \"outputs\": " + outputs + "}"))
        .requireSame(INPUTS, OUTPUTS);
  }

  private static String tensor(String name, String datatype, String shape) {
    return "{\"name\": \"%s\", \"datatype\": \"%s\", \"shape\": %s}"
        .formatted(name, datatype, shape);
  }

  private static final String Y = "[" + tensor("y", "INT64", "[-1]") + "]";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"[-1, 3]", "[8, 3]", "[-1, -1]"})
  void axesOfAnySizeFitAnySize(String shape) {
    check("[" + tensor("x", "FP32", shape) + "]", Y);
  }

  @Test
  void aServerThatSaysNothingIsNotJudged() {
    check("[]", "[]");
    assertThat(UpstreamMetadata.parse(new JsonObject("{}")).says()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "x | FP32 | [-1, 4] | input x: expected FP32 [batch, 3] as in our model, found FP32 [-1, 4]",
        "x | FP32 | [3] | input x: expected FP32 [batch, 3] as in our model, found FP32 [3]",
        "x | FP64 | [-1, 3] | input x: expected FP32 [batch, 3] as in our model, found FP64 [-1, 3]",
        "z | FP32 | [-1, 3] | input x: expected FP32 [batch, 3] as in our model, found none of that name among [z]",
      })
  void namesTheTensorThatDiffers(String name, String datatype, String shape, String message) {
    assertThatThrownBy(() -> check("[" + tensor(name, datatype, shape) + "]", Y))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(message);
  }

  @Test
  void namesATensorThatOursLacks() {
    String both = "[" + tensor("x", "FP32", "[-1, 3]") + "," + tensor("w", "FP32", "[1]") + "]";
    assertThatThrownBy(() -> check(both, Y))
        .hasMessage("input w: expected none of that name, as in our model, found FP32 [1]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {"{\"inputs\": 3}", "{\"inputs\": [{\"name\": \"x\"}]}", "{\"inputs\": [[]]}"})
  void refusesWhatIsNoMetadata(String json) {
    assertThatThrownBy(() -> UpstreamMetadata.parse(new JsonObject(json)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("expected the metadata of a model, found other content");
  }
}
