package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseDecoderTest {
  private static final List<TensorInfo> OUTPUTS =
      List.of(info("scores", ElementType.FP32, 3), info("label", ElementType.INT64, 1));

  private static TensorInfo info(String name, ElementType type, long width) {
    return new TensorInfo(name, type, List.of(Dimension.symbolic("batch"), Dimension.fixed(width)));
  }

  private static Map<String, Tensor> decode(String json) throws InvalidRecordException {
    return new ResponseDecoder(OUTPUTS)
        .decode(json.getBytes(StandardCharsets.UTF_8), null, bytes -> {});
  }

  private static Map<String, Tensor> answer() {
    Tensor label = Tensor.allocate(ElementType.INT64, 2, 1);
    label.longs().put(7).put(-1);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("scores", Tensor.of(new float[] {0.1f, 2, -3e-20f, 4, 5, 6}, 2, 3));
    outputs.put("label", label);
    return outputs;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void readsWhatTheEncoderWritesToTheBit(boolean binary) throws InvalidRecordException {
    InferenceRequest request = new InferenceRequest("a", 2, binary, Set.of());
    InferenceResponse response =
        new ResponseEncoder(OUTPUTS, "m", "1").encode(request, answer(), 0);
    AtomicLong taken = new AtomicLong();

    Map<String, Tensor> read =
        new ResponseDecoder(OUTPUTS)
            .decode(
                response.value(),
                binary ? Integer.toString(response.headerLength()) : null,
                taken::addAndGet);

    assertThat(read.keySet()).containsExactly("scores", "label");
    read.forEach(
        (name, tensor) -> {
          assertThat(tensor.shape()).isEqualTo(answer().get(name).shape());
          assertThat(tensor.bytes()).isEqualTo(answer().get(name).bytes());
        });
    assertThat(taken).hasValue(2 * 3 * 4 + 2 * 8);
  }

  @Test
  void readsWhateverOrderServersWriteIn() throws InvalidRecordException {
    Map<String, Tensor> read =
        decode(
            """
            {"outputs": [{"data": [[1, 2], 3], "parameters": null, "shape": [1, 3], "name": "scores",
                          "datatype": "FP32"},
                         {"name": "more", "datatype": "BYTES", "shape": [1], "data": ["x"]}],
             "model_name": "m", "parameters": {"sequence_id": 0}}
            """);

    assertThat(read.keySet()).containsExactly("scores");
    assertThat(read.get("scores").toFloatArray()).containsExactly(1, 2, 3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | expected a JSON object",
        "{\"outputs\": [ | expected JSON, found",
        "{\"outputs\": [{\"name\": \"scores\", \"datatype\": \"FP64\", \"shape\": [1, 3], \"data\": [1, 2, 3]}]} | output scores: expected FP32 [batch, 3], found FP64 [1, 3]",
        "{\"outputs\": [{\"name\": \"scores\", \"datatype\": \"FP32\", \"shape\": [1, 4], \"data\": [1, 2, 3, 4]}]} | output scores: expected FP32 [batch, 3], found FP32 [1, 4]",
        "{\"outputs\": [{\"name\": \"scores\", \"datatype\": \"FP32\", \"shape\": [1, 3], \"data\": [1, 2]}]} | output scores: data: expected 3 elements, found 2",
        "{\"outputs\": [{\"name\": \"scores\", \"datatype\": \"FP32\", \"shape\": [1, 3], \"data\": [1, 2, 1e40]}]} | output scores: data: expected finite",
        "{\"outputs\": [{\"name\": \"scores\", \"datatype\": \"FP32\", \"shape\": [900000000000, 3], \"data\": []}]} | output scores: expected the elements that its shape says",
        "{\"outputs\": [{\"name\": \"scores\", \"datatype\": \"FP32\", \"shape\": [1, 3], \"parameters\": {\"binary_data_size\": 12}}]} | output scores: expected 12 bytes of data",
      })
  void saysWhatIsWrong(String json, String message) {
    assertThatThrownBy(() -> decode(json))
        .isInstanceOf(InvalidRecordException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @EnumSource(RequestEncoder.Form.class)
  void aRequestThatWasReadIsWrittenAgain(RequestEncoder.Form form) throws InvalidRecordException {
    Map<String, Object> parameters =
        Map.of("priority", 3L, "stream", "a \"b\"", "binary_data_output", false);
    InferenceRequest request =
        new InferenceRequest("id", 2, true, Set.of("scores"), parameters, Map.of());

    RequestEncoder.Encoded encoded = RequestEncoder.encode(request, answer(), form);

    RequestTensors tensors = new RequestTensors(OUTPUTS, encoded.value().length, bytes -> {});
    InferenceRequest read =
        new RequestDecoder(OUTPUTS, OUTPUTS, 4096)
            .decode(
                encoded.value(),
                encoded.binary() ? Integer.toString(encoded.headerLength()) : null,
                tensors);
    assertThat(read.id()).isEqualTo("id");
    assertThat(read.outputs()).containsExactly("scores");
    assertThat(read.parameters())
        .containsEntry("stream", "a \"b\"")
        .hasEntrySatisfying("priority", number -> assertThat(number).hasToString("3"));
    assertThat(read.wantsBinary("scores")).isEqualTo(form == RequestEncoder.Form.BINARY);
    tensors
        .tensors()
        .forEach(
            (name, tensor) -> assertThat(tensor.bytes()).isEqualTo(answer().get(name).bytes()));
  }
}
