package dev.acclimate.streams;

import static dev.acclimate.streams.DeadLetterReason.MALFORMED;
import static dev.acclimate.streams.DeadLetterReason.MISSING_INPUT;
import static dev.acclimate.streams.DeadLetterReason.NOT_FINITE;
import static dev.acclimate.streams.DeadLetterReason.TOMBSTONE;
import static dev.acclimate.streams.DeadLetterReason.TOO_LARGE;
import static dev.acclimate.streams.DeadLetterReason.UNKNOWN_INPUT;
import static dev.acclimate.streams.DeadLetterReason.UNKNOWN_OUTPUT;
import static dev.acclimate.streams.DeadLetterReason.UNSUPPORTED_DATATYPE;
import static dev.acclimate.streams.DeadLetterReason.WRONG_COUNT;
import static dev.acclimate.streams.DeadLetterReason.WRONG_DATATYPE;
import static dev.acclimate.streams.DeadLetterReason.WRONG_SHAPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestDecoderTest {
  private static final List<TensorInfo> INPUTS = List.of(info("x", ElementType.FP32, 2, 2));
  private static final List<TensorInfo> OUTPUTS =
      List.of(info("y", ElementType.FP32, 3), info("z", ElementType.INT64, 1));

  private final RequestDecoder decoder = new RequestDecoder(INPUTS, OUTPUTS, 4096);
  private final InputBatch batch = new InputBatch(INPUTS, 4);

  static TensorInfo info(String name, ElementType type, long... inner) {
    Dimension[] dimensions = new Dimension[inner.length + 1];
    dimensions[0] = Dimension.symbolic("batch");
    for (int i = 0; i < inner.length; i++) {
      dimensions[i + 1] = Dimension.fixed(inner[i]);
    }
    return new TensorInfo(name, type, List.of(dimensions));
  }

  private static String request(String shape, String data) {
    return "{'id':'r1','inputs':[{'name':'x','shape':%s,'datatype':'FP32','data':%s}]}"
        .formatted(shape, data);
  }

  private InferenceRequest decode(String json) throws InvalidRecordException {
    return decoder.decode(json.replace('\'', '"').getBytes(UTF_8), null, batch).orElseThrow();
  }

  private float[] floats(String input) {
    return Objects.requireNonNull(batch.tensors().get(input)).toFloatArray();
  }

  @Test
  void readsFlatData() throws InvalidRecordException {
    InferenceRequest request = decode(request("[1,2,2]", "[1, -2.5, 3e-2, 4]"));

    assertThat(request).isEqualTo(new InferenceRequest("r1", 1, false, Set.of()));
    assertThat(floats("x")).containsExactly(1f, -2.5f, 0.03f, 4f);
  }

  @Test
  void readsNestedData() throws InvalidRecordException {
    InferenceRequest request = decode(request("[2,2,2]", "[[[1,2],[3,4]],[[5,6],[7,8]]]"));

    assertThat(request.samples()).isEqualTo(2);
    assertThat(floats("x")).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
  }

  @Test
  void readsFieldsInAnyOrderAndPassesOverUnknownOnes() throws InvalidRecordException {
    InferenceRequest request =
        decode(
            "{'parameters':{'priority':[1,{'a':2}]},'extra':[1,[2]],"
                + "'outputs':[{'parameters':{'binary_data':true},'name':'z'}],"
                + "'inputs':[{'data':[[[1,2],[3,4]]],'parameters':{'note':{'k':1}},"
                + "'datatype':'FP32','shape':[1,2,2],'name':'x'}],'id':null}");

    assertThat(request)
        .isEqualTo(new InferenceRequest(null, 1, false, Set.of("z"), Map.of(), Map.of("z", true)));
    assertThat(floats("x")).containsExactly(1, 2, 3, 4);
  }

  @Test
  void gathersRecordsUntilOneDoesNotFit() throws InvalidRecordException {
    var unused = decode(request("[2,2,2]", "[1,2,3,4,5,6,7,8]"));
    unused = decode(request("[1,2,2]", "[9,10,11,12]"));
    byte[] two = request("[2,2,2]", "[0,0,0,0,0,0,0,0]").replace('\'', '"').getBytes(UTF_8);

    assertThat(decoder.decode(two, null, batch)).isEmpty();
    assertThat(floats("x")).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  }

  @Test
  void leavesTheBatchAsItWasAfterABadRecord() throws InvalidRecordException {
    var unused = decode(request("[1,2,2]", "[1,2,3,4]"));

    assertThat(refusal(request("[1,2,2]", "[5,6,7,'x']"))).isNotNull();

    unused = decode(request("[1,2,2]", "[9,9,9,9]"));
    assertThat(floats("x")).containsExactly(1, 2, 3, 4, 9, 9, 9, 9);
  }

  @Test
  void readsTheBinaryForm() throws InvalidRecordException {
    byte[] header =
        ("{\"id\":\"b\",\"inputs\":[{\"name\":\"x\",\"shape\":[2,2,2],\"datatype\":\"FP32\","
                + "\"parameters\":{\"binary_data_size\":32}}]}")
            .getBytes(UTF_8);

    InferenceRequest request =
        decoder
            .decode(binary(header, 1, 2, 3, 4, 5, 6, 7, 8), Integer.toString(header.length), batch)
            .orElseThrow();

    assertThat(request).isEqualTo(new InferenceRequest("b", 2, true, Set.of()));
    assertThat(floats("x")).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
  }

  private static byte[] binary(byte[] header, float... values) {
    ByteBuffer buffer =
        ByteBuffer.allocate(header.length + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.put(header);
    for (float value : values) {
      buffer.putFloat(value);
    }
    return buffer.array();
  }

  private InvalidRecordException refusal(String json) {
    return refusal(json.replace('\'', '"').getBytes(UTF_8), null);
  }

  private InvalidRecordException refusal(byte[] value, String headerLength) {
    int before = batch.samples();
    InvalidRecordException refusal =
        catchThrowableOfType(
            InvalidRecordException.class, () -> decoder.decode(value, headerLength, batch));
    assertThat(refusal).isNotNull();
    assertThat(batch.samples()).isEqualTo(before);
    return refusal;
  }

  static Stream<Arguments> badJson() {
    return Stream.of(
        Arguments.of("", MALFORMED, "expected a JSON object, found nothing"),
        Arguments.of("[]", MALFORMED, "expected a JSON object, found an array"),
        Arguments.of("{'id':'a',", MALFORMED, "expected JSON, found a syntax error at line 1"),
        Arguments.of("not json at all", MALFORMED, "syntax error"),
        Arguments.of("{'id':7}", MALFORMED, "id: expected a string, found a whole number"),
        Arguments.of("{'inputs':{}}", MALFORMED, "inputs: expected an array, found an object"),
        Arguments.of("{'inputs':[3]}", MALFORMED, "inputs: expected objects"),
        Arguments.of(request("[1,2,2]", "[1,2,3,4]") + "{}", MALFORMED, "expected the end"),
        Arguments.of(request("'1,2,2'", "[1,2,3,4]"), MALFORMED, "shape: expected an array"),
        Arguments.of(request("[1,2,2.5]", "[1]"), MALFORMED, "shape: expected whole numbers"),
        Arguments.of(request("[1,2,2]", "7"), MALFORMED, "data: expected an array"),
        Arguments.of(
            "{'inputs':[{'name':'x','shape':[1,2,2],'datatype':'FP32'}]}",
            MALFORMED,
            "input x: expected data, found none"),
        Arguments.of(
            "{'inputs':[{'name':'x','datatype':'FP32','data':[1]}]}",
            MALFORMED,
            "expected shape [batch, 2, 2], found none"),
        Arguments.of(
            "{'inputs':[{'name':'x','shape':[1,2,2],'data':[1,2,3,4]}]}",
            MALFORMED,
            "expected datatype FP32, found none"),
        Arguments.of("{'id':'a'}", MISSING_INPUT, "inputs: expected x FP32 [batch, 2, 2]"),
        Arguments.of("{'inputs':[]}", MISSING_INPUT, "inputs: expected x FP32 [batch, 2, 2]"),
        Arguments.of(
            request("[1,2,2]", "[1,2,3,4]").replace("'x'", "'other'"),
            UNKNOWN_INPUT,
            "expected names out of [x], found 'other'"),
        Arguments.of(
            request("[1,2,2]", "[1,2,3,4]").replace("'r1',", "'r1','outputs':[{'name':'q'}],"),
            UNKNOWN_OUTPUT,
            "expected names out of [y, z], found 'q'"),
        Arguments.of(
            request("[1,2,3]", "[1,2,3,4,5,6]"),
            WRONG_SHAPE,
            "input x: expected shape [batch, 2, 2], found [1, 2, 3]"),
        Arguments.of(request("[2,2]", "[1,2,3,4]"), WRONG_SHAPE, "found [2, 2]"),
        Arguments.of(request("[0,2,2]", "[]"), WRONG_SHAPE, "found [0, 2, 2]"),
        Arguments.of(request("[-1,2,2]", "[]"), WRONG_SHAPE, "found [-1, 2, 2]"),
        Arguments.of(
            request("[5,2,2]", "[]"), WRONG_SHAPE, "expected at most 4 samples a record, found 5"),
        Arguments.of(
            request("[1,2,2]", "[1,2,3,4]").replace("FP32", "INT64"),
            WRONG_DATATYPE,
            "input x: expected datatype FP32, found INT64"),
        Arguments.of(
            request("[1,2,2]", "[1,2,3,4]").replace("FP32", "BYTES"),
            UNSUPPORTED_DATATYPE,
            "input x: expected datatype FP32, found BYTES"),
        Arguments.of(
            request("[1,2,2]", "[1,2,'3',4]"),
            WRONG_DATATYPE,
            "input x: data: expected FP32 elements, found a string at element 2"),
        Arguments.of(request("[1,2,2]", "[1,null,3,4]"), WRONG_DATATYPE, "null at element 1"),
        Arguments.of(request("[1,2,2]", "[1,true,3,4]"), WRONG_DATATYPE, "true at element 1"),
        Arguments.of(request("[1,2,2]", "[1,2,3]"), WRONG_COUNT, "expected 4 elements, found 3"),
        Arguments.of(
            request("[1,2,2]", "[1,2,3,4,5,6]"), WRONG_COUNT, "expected 4 elements, found 6"),
        Arguments.of(
            request("[1,2,2]", "[[[1,2,3,4]]]"),
            WRONG_COUNT,
            "data: expected arrays of 2 entries along axis 2, found 4"),
        Arguments.of(request("[1,2,2]", "[[1,2],[3,4]]"), MALFORMED, "nested as shape says"),
        Arguments.of(request("[1,2,2]", "[1,NaN,3,4]"), NOT_FINITE, "found NaN at element 1"),
        Arguments.of(request("[1,2,2]", "[1,2,-Infinity,4]"), NOT_FINITE, "at element 2"),
        Arguments.of(request("[1,2,2]", "[1,2,1e39,4]"), NOT_FINITE, "found 1e39 at element 2"),
        Arguments.of(request("[1,2,2]", "[1,2,-1e400,4]"), NOT_FINITE, "at element 2"),
        Arguments.of(
            request("[1,2,2]", "[1" + "0".repeat(60) + ",2,3,4]"), NOT_FINITE, "at element 0"),
        Arguments.of(
            "{'inputs':[{'name':'x','shape':[1,2,2],'datatype':'FP32','data':[1,2,3,4]},"
                + "{'name':'x','shape':[1,2,2],'datatype':'FP32','data':[1,2,3,4]}]}",
            MALFORMED,
            "input x: expected once, found a second time"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0000007bffffffff", "0000007b0000", "7b00000000001100"})
  void refusesBytesThatLookLikeAnotherEncodingOfUnicode(String hex) {
    InvalidRecordException thrown = refusal(HexFormat.of().parseHex(hex), null);

    assertThat(thrown.reason()).isEqualTo(MALFORMED);
    assertThat(thrown).hasMessageStartingWith("expected JSON, found");
    assertThat(batch.samples()).isZero();
  }

  @ParameterizedTest
  @MethodSource("badJson")
  void refusesBadJsonWithTheFieldTheExpectedAndTheFound(
      String json, DeadLetterReason reason, String message) {
    InvalidRecordException refusal = refusal(json);

    assertThat(refusal).hasMessageContaining(message);
    assertThat(refusal.reason()).isEqualTo(reason);
  }

  @Test
  void refusesTombstonesAndOversizeRecords() {
    assertThat(refusal((byte[]) null, null).reason()).isEqualTo(TOMBSTONE);

    InvalidRecordException tooLarge = refusal(new byte[4097], null);
    assertThat(tooLarge).hasMessage("expected at most 4096 bytes, found 4097");
    assertThat(tooLarge.reason()).isEqualTo(TOO_LARGE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "16 | 4 | none | 1    | WRONG_COUNT | expected 16 bytes after the JSON header, found 20",
        "16 | 3 | none | 0    | TRUNCATED   | expected 16 bytes of data, found 12",
        "12 | 3 | none | 0    | WRONG_COUNT | binary_data_size: expected 16 bytes, found 12",
        "-1 | 4 | none | 0    | MALFORMED   | expected data or parameters.binary_data_size",
        "16 | 4 | abc  | 0    | MALFORMED   | expected a count of bytes, found 'abc'",
        "16 | 4 | -3   | 0    | MALFORMED   | expected a count of bytes, found '-3'",
        "16 | 4 | 9999 | 0    | TRUNCATED   | expected a JSON header of 9999 bytes",
        "16 | 4 | 10   | 0    | MALFORMED   | syntax error",
      })
  void refusesBadBinaryForms(
      int declared,
      int sent,
      String headerLength,
      int extra,
      DeadLetterReason reason,
      String message) {
    byte[] header = binaryHeader("FP32", declared);
    byte[] value = binary(header, new float[sent + extra]);
    String length = headerLength.equals("none") ? Integer.toString(header.length) : headerLength;

    InvalidRecordException refusal = refusal(value, length);

    assertThat(refusal).hasMessageContaining(message);
    assertThat(refusal.reason()).isEqualTo(reason);
  }

  private static byte[] binaryHeader(String datatype, int size) {
    return ("{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2,2],\"datatype\":\""
            + datatype
            + "\",\"parameters\":{\"binary_data_size\":"
            + size
            + "}}]}")
        .getBytes(UTF_8);
  }

  @ParameterizedTest
  @CsvSource({"NaN", "Infinity", "-Infinity"})
  void refusesBinaryValuesThatAreNotFinite(float poison) {
    byte[] header = binaryHeader("FP32", 16);

    InvalidRecordException refusal =
        refusal(binary(header, 1, 2, poison, 4), Integer.toString(header.length));

    assertThat(refusal).hasMessageContaining("input x: data: expected finite numbers");
    assertThat(refusal).hasMessageEndingWith("at element 2");
    assertThat(refusal.reason()).isEqualTo(NOT_FINITE);
  }

  @Test
  void findsNonFiniteValuesOfEveryFloatingType() {
    ByteBuffer bytes = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    bytes.putShort(4, (short) 0xFC00).putShort(12, (short) 0x7F81);
    assertThat(RawElements.firstNonFinite(ElementType.FP16, bytes, 0, 12)).isEqualTo(2);
    assertThat(RawElements.firstNonFinite(ElementType.BF16, bytes, 8, 8)).isEqualTo(2);
    bytes.putDouble(8, Double.NEGATIVE_INFINITY);
    assertThat(RawElements.firstNonFinite(ElementType.FP64, bytes, 0, 16)).isEqualTo(1);
    assertThat(RawElements.firstNonFinite(ElementType.INT64, bytes, 0, 16)).isEqualTo(-1);
  }

  @Test
  void readsWholeNumbersInTheirRangeOnly() throws InvalidRecordException {
    for (ElementType type : List.of(ElementType.UINT8, ElementType.INT32, ElementType.INT64)) {
      List<TensorInfo> inputs = List.of(info("x", type, 2));
      RequestDecoder typed = new RequestDecoder(inputs, OUTPUTS, 4096);
      try (InputBatch into = new InputBatch(inputs, 4)) {
        String json =
            "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"" + type + "\",\"data\":";
        assertThat(typed.decode((json + "[7,200]}]}").getBytes(UTF_8), null, into)).isPresent();
        for (String bad : List.of("[1.5,2]", "[-9223372036854775809,2]", "[1e3,2]")) {
          InvalidRecordException refusal =
              catchThrowableOfType(
                  InvalidRecordException.class,
                  () -> typed.decode((json + bad + "}]}").getBytes(UTF_8), null, into));
          assertThat(refusal).hasMessageContaining("expected " + type + " elements, found");
          assertThat(refusal.reason()).isEqualTo(WRONG_DATATYPE);
        }
      }
    }
  }

  @Test
  void asksForEveryInputWithOneBatchSize() throws InvalidRecordException {
    List<TensorInfo> inputs = List.of(info("a", ElementType.FP32, 1), info("b", ElementType.BOOL));
    RequestDecoder two = new RequestDecoder(inputs, OUTPUTS, 4096);
    try (InputBatch into = new InputBatch(inputs, 4)) {
      String json =
          "{'inputs':[{'name':'b','shape':[2],'datatype':'BOOL','data':[true,0]},"
              + "{'name':'a','shape':[%d,1],'datatype':'FP32','data':[1,2]}]}";

      assertThat(two.decode(bytes(json.formatted(2)), null, into)).isPresent();
      byte[] flags = new byte[2];
      Objects.requireNonNull(into.tensors().get("b")).bytes().get(flags);
      assertThat(flags).containsExactly(1, 0);

      InvalidRecordException refusal =
          catchThrowableOfType(
              InvalidRecordException.class, () -> two.decode(bytes(json.formatted(1)), null, into));
      assertThat(refusal).hasMessageContaining("expected 2 samples like the inputs before it");
    }
  }

  private static byte[] bytes(String json) {
    return json.replace('\'', '"').getBytes(UTF_8);
  }

  @Test
  void asksForTheBinaryFormWhereJsonHasNoNumbers() throws InvalidRecordException {
    List<TensorInfo> inputs = List.of(info("x", ElementType.FP16, 2, 2));
    RequestDecoder half = new RequestDecoder(inputs, OUTPUTS, 4096);
    try (InputBatch into = new InputBatch(inputs, 4)) {
      byte[] header = binaryHeader("FP16", 8);
      byte[] value = Arrays.copyOf(header, header.length + 8);
      assertThat(half.decode(value, Integer.toString(header.length), into)).isPresent();

      InvalidRecordException refusal =
          catchThrowableOfType(
              InvalidRecordException.class,
              () ->
                  half.decode(
                      bytes(request("[1,2,2]", "[1,2,3,4]").replace("FP32", "FP16")), null, into));
      assertThat(refusal.reason()).isEqualTo(UNSUPPORTED_DATATYPE);
    }
  }

  @Test
  void refusesModelsWhoseSamplesHaveNoFixedSize() {
    TensorInfo open =
        new TensorInfo(
            "x",
            ElementType.FP32,
            List.of(Dimension.symbolic("n"), Dimension.fixed(3), Dimension.symbolic("h")));

    InvalidInputException refusal =
        catchThrowableOfType(
            InvalidInputException.class, () -> new InputBatch(List.of(open), 4).close());

    assertThat(refusal).hasMessageContaining("fixed sizes after it, found [n, 3, h]");
  }

  @Test
  void givesTensorsOfTheSamplesInHand() throws InvalidRecordException {
    var unused = decode(request("[1,2,2]", "[1,2,3,4]"));
    Tensor one = Objects.requireNonNull(batch.tensors().get("x"));
    assertThat(one.shape()).containsExactly(1, 2, 2);
    assertThat(batch.tensors().get("x")).isSameAs(one);

    unused = decode(request("[3,2,2]", "[1,2,3,4,5,6,7,8,9,10,11,12]"));
    assertThat(Objects.requireNonNull(batch.tensors().get("x")).shape()).containsExactly(4, 2, 2);
  }
}
