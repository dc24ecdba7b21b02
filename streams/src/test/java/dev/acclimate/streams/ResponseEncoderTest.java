package dev.acclimate.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ResponseEncoderTest {
  private static final List<TensorInfo> OUTPUTS =
      List.of(
          RequestDecoderTest.info("y", ElementType.FP32, 2),
          RequestDecoderTest.info("label", ElementType.INT64));

  private final ResponseEncoder encoder = new ResponseEncoder(OUTPUTS, "resnet", "3");
  private final Tensor scores = Tensor.of(new float[] {1, 2, 3.5f, -4, 5, 6}, 3, 2);
  private final Tensor labels = Tensor.allocate(ElementType.INT64, 3);
  private final Map<String, Tensor> batch = Map.of("y", scores, "label", labels);

  @Test
  void answersInJsonWithTheRequestsShareOfTheBatch() throws Exception {
    labels.longs().put(new long[] {7, 8, 9});

    InferenceResponse response =
        encoder.encode(new InferenceRequest("id-1", 2, false, Set.of()), batch, 1);

    assertThat(response.binary()).isFalse();
    assertThat(new ObjectMapper().readTree(response.value()))
        .isEqualTo(
            json(
                """
                {"model_name":"resnet","model_version":"3","id":"id-1","outputs":[
                  {"name":"y","datatype":"FP32","shape":[2,2],"data":[3.5,-4.0,5.0,6.0]},
                  {"name":"label","datatype":"INT64","shape":[2],"data":[8,9]}]}
                """));
  }

  @Test
  void answersInBinaryFormToABinaryRequest() throws Exception {
    InferenceResponse response =
        encoder.encode(new InferenceRequest(null, 1, true, Set.of("y")), batch, 1);

    assertThat(
            new ObjectMapper()
                .readTree(new String(response.value(), 0, response.headerLength(), "UTF-8")))
        .isEqualTo(
            json(
                """
                {"model_name":"resnet","model_version":"3","outputs":[
                  {"name":"y","datatype":"FP32","shape":[1,2],
                   "parameters":{"binary_data_size":8}}]}
                """));
    ByteBuffer data =
        ByteBuffer.wrap(response.value())
            .order(ByteOrder.LITTLE_ENDIAN)
            .position(response.headerLength());
    assertThat(data.getFloat()).isEqualTo(3.5f);
    assertThat(data.getFloat()).isEqualTo(-4f);
    assertThat(data.hasRemaining()).isFalse();
  }

  @Test
  void refusesToWriteWhatJsonCannotSay() throws Exception {
    scores.floats().put(3, Float.NaN);

    InvalidRecordException refusal =
        catchThrowableOfType(
            InvalidRecordException.class,
            () -> encoder.encode(new InferenceRequest(null, 1, false, Set.of()), batch, 1));
    assertThat(refusal).hasMessageStartingWith("output y: expected finite numbers");
    assertThat(refusal.reason()).isEqualTo(DeadLetterReason.RESPONSE);

    assertThat(encoder.encode(new InferenceRequest(null, 1, false, Set.of()), batch, 0).value())
        .isNotEmpty();
  }

  @Test
  void widensHalfPrecision() {
    assertThat(RawElements.halfToFloat((short) 0x3C00)).isEqualTo(1f);
    assertThat(RawElements.halfToFloat((short) 0xC500)).isEqualTo(-5f);
    assertThat(RawElements.halfToFloat((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(RawElements.halfToFloat((short) 0x7BFF)).isEqualTo(65504f);
    assertThat(RawElements.halfToFloat((short) 0x7C00)).isInfinite();
    assertThat(RawElements.bfloatToFloat((short) 0xBF80)).isEqualTo(-1f);
  }

  private static JsonNode json(String text) throws IOException {
    return new ObjectMapper().readTree(text);
  }
}
