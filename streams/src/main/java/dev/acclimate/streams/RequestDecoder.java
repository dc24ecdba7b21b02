package dev.acclimate.streams;

import static dev.acclimate.streams.DeadLetterReason.MALFORMED;
import static dev.acclimate.streams.DeadLetterReason.NOT_FINITE;
import static dev.acclimate.streams.DeadLetterReason.TOMBSTONE;
import static dev.acclimate.streams.DeadLetterReason.TOO_LARGE;
import static dev.acclimate.streams.DeadLetterReason.TRUNCATED;
import static dev.acclimate.streams.DeadLetterReason.UNKNOWN_OUTPUT;
import static dev.acclimate.streams.DeadLetterReason.UNSUPPORTED_DATATYPE;
import static dev.acclimate.streams.DeadLetterReason.WRONG_COUNT;
import static dev.acclimate.streams.DeadLetterReason.WRONG_SHAPE;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Decodes Open Inference Protocol v2 requests for one model, in their JSON and their binary form,
 * straight into the buffers of an {@link InputBatch} or into {@link RequestTensors}.
 *
 * <p>Everything that a model cannot be asked is refused here with a reason that names the field:
 * malformed JSON, missing, unknown or repeated inputs, other shapes, datatypes or element counts
 * than the model declares, and values that are not finite in the model's type. Fields that the
 * protocol does not know are passed over.
 *
 * <p>Thread-safe as long as no two threads decode into one batch.
 */
public final class RequestDecoder {
  // Parsing goes token by token over the record's bytes: a JSON tree of a 224 x 224 image has
  // 150,000 boxed nodes, the buffer it ends in 600 KB. Requests may name shape and datatype after
  // the data, so data met too early is skipped and parsed again from its position in the bytes.

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          // NaN and Infinity are not JSON; understood here to give the better reason
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private final ModelInputs inputs;
  private final Set<String> outputs;
  private final int maxBytes;

  /**
   * A decoder for a model.
   *
   * @param inputs the model's inputs, inner axes fixed
   * @param outputs the model's outputs, which requests may select from
   * @param maxBytes size of a value that is still looked at
   */
  public RequestDecoder(List<TensorInfo> inputs, List<TensorInfo> outputs, int maxBytes) {
    this.inputs = new ModelInputs(inputs);
    this.outputs =
        outputs.stream().map(TensorInfo::name).collect(Collectors.toCollection(LinkedHashSet::new));
    this.maxBytes = maxBytes;
  }

  /**
   * Decodes a request and adds its samples to {@code batch}.
   *
   * @param value the record's value
   * @param headerLength the text of {@code inference-header-content-length}: the bytes of the JSON
   *     header of a request in binary form; null for plain JSON
   * @return empty when the request is larger than what is left of the batch, which is then as
   *     before; it fits an empty batch
   * @throws InvalidRecordException when the request cannot be answered; the batch is as before
   */
  public Optional<InferenceRequest> decode(
      byte @Nullable [] value, @Nullable String headerLength, InputBatch batch)
      throws InvalidRecordException {
    try {
      InferenceRequest request = decode(value, headerLength, new BatchTarget(batch));
      batch.add(request.samples());
      return Optional.of(request);
    } catch (NoRoomException e) {
      return Optional.empty();
    }
  }

  /**
   * Decodes a request into tensors of its own, which inputs without a batch axis and inputs of open
   * sizes may have too.
   *
   * @param value the request's body
   * @param headerLength as above
   * @param tensors of the same inputs, empty
   * @throws InvalidRecordException when the request cannot be answered
   */
  public InferenceRequest decode(
      byte[] value, @Nullable String headerLength, RequestTensors tensors)
      throws InvalidRecordException {
    try {
      return decode(value, headerLength, (InputTarget) tensors);
    } catch (NoRoomException e) {
      throw new AssertionError("a request's own tensors always have room", e);
    }
  }

  private InferenceRequest decode(
      byte @Nullable [] value, @Nullable String headerLength, InputTarget target)
      throws InvalidRecordException, NoRoomException {
    if (value == null) {
      throw new InvalidRecordException(TOMBSTONE, "expected a request, found a null value");
    }
    if (value.length > maxBytes) {
      throw new InvalidRecordException(
          TOO_LARGE, "expected at most " + maxBytes + " bytes, found " + value.length);
    }
    int jsonLength = headerLength == null ? value.length : jsonLength(value, headerLength);
    try {
      return new Decoding(value, jsonLength, headerLength != null, target).decode();
    } catch (JsonProcessingException e) {
      throw malformed(e);
    } catch (IOException e) {
      // Jackson tells UTF-16 and UTF-32 from UTF-8 by itself, and of errors there in another way
      throw new InvalidRecordException(
          MALFORMED, "expected JSON, found bytes that are no text: " + e.getMessage());
    }
  }

  static int jsonLength(byte[] value, String header) throws InvalidRecordException {
    int length;
    try {
      length = Integer.parseInt(header.trim());
    } catch (NumberFormatException e) {
      length = -1;
    }
    if (length < 0) {
      throw new InvalidRecordException(
          MALFORMED,
          "header inference-header-content-length: expected a count of bytes, found '"
              + abbreviated(header)
              + "'");
    }
    if (length > value.length) {
      throw new InvalidRecordException(
          TRUNCATED,
          "expected a JSON header of " + length + " bytes, found " + value.length + " bytes");
    }
    return length;
  }

  private static InvalidRecordException malformed(JsonProcessingException e) {
    String where =
        e.getLocation() == null
            ? ""
            : " at line "
                + e.getLocation().getLineNr()
                + ", column "
                + e.getLocation().getColumnNr();
    return new InvalidRecordException(
        MALFORMED, "expected JSON, found a syntax error" + where + ": " + e.getOriginalMessage());
  }

  static String abbreviated(String text) {
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  /** What an input object said before its data could be read. */
  private static final class InputHeader {
    @Nullable String name;
    @Nullable String datatype;
    long @Nullable [] shape;
    long binarySize = -1;
    long dataOffset = -1;
    int index = -1;
  }

  /** The reading of one request. */
  private final class Decoding {
    private final byte[] value;
    private final int jsonLength;
    private final boolean binary;
    private final InputTarget target;
    private final boolean[] seen = new boolean[inputs.count()];
    private final List<InputHeader> binaryInputs = new ArrayList<>();
    private final Set<String> requested = new LinkedHashSet<>();
    private final Map<String, Boolean> outputForms = new HashMap<>();
    private final Map<String, Object> requestParameters = new HashMap<>();
    private @Nullable String id;

    Decoding(byte[] value, int jsonLength, boolean binary, InputTarget target) {
      this.value = value;
      this.jsonLength = jsonLength;
      this.binary = binary;
      this.target = target;
    }

    InferenceRequest decode() throws IOException, InvalidRecordException, NoRoomException {
      try (JsonParser parser = JSON.createParser(value, 0, jsonLength)) {
        JsonToken first = parser.nextToken();
        if (first != JsonToken.START_OBJECT) {
          throw new InvalidRecordException(
              MALFORMED, "expected a JSON object, found " + described(first));
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          field(parser);
        }
        JsonToken trailing = parser.nextToken();
        if (trailing != null) {
          throw new InvalidRecordException(
              MALFORMED, "expected the end after the object, found " + described(trailing));
        }
      }
      inputs.requireAll(seen);
      readBinary();
      return new InferenceRequest(
          id, target.samples(), binary, requested, requestParameters, outputForms);
    }

    private void field(JsonParser parser)
        throws IOException, InvalidRecordException, NoRoomException {
      String name = parser.currentName();
      JsonToken token = parser.nextToken();
      switch (name) {
        case "id" -> {
          if (token != JsonToken.VALUE_NULL) {
            expect(token, JsonToken.VALUE_STRING, "id", "a string");
            id = parser.getText();
          }
        }
        case "inputs" -> {
          expect(token, JsonToken.START_ARRAY, "inputs", "an array");
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            input(parser);
          }
        }
        case "outputs" -> {
          expect(token, JsonToken.START_ARRAY, "outputs", "an array");
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            output(parser);
          }
        }
        case "parameters" -> {
          expect(token, JsonToken.START_OBJECT, "parameters", "an object");
          readParameters(parser);
        }
        default -> parser.skipChildren();
      }
    }

    /** Keeps what is a text, a number or a boolean; others are extensions that we do not know. */
    private void readParameters(JsonParser parser) throws IOException {
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken token = parser.nextToken();
        if (token.isStructStart()) {
          parser.skipChildren();
        } else if (token == JsonToken.VALUE_STRING) {
          requestParameters.put(name, parser.getText());
        } else if (token.isBoolean()) {
          requestParameters.put(name, token == JsonToken.VALUE_TRUE);
        } else if (token.isNumeric()) {
          requestParameters.put(name, parser.getNumberValue());
        }
      }
    }

    private void output(JsonParser parser) throws IOException, InvalidRecordException {
      expect(parser.currentToken(), JsonToken.START_OBJECT, "outputs", "objects");
      String found = null;
      Boolean form = null;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken token = parser.nextToken();
        if (field.equals("name")) {
          expect(token, JsonToken.VALUE_STRING, "outputs: name", "a string");
          found = parser.getText();
        } else if (field.equals("parameters")) {
          expect(token, JsonToken.START_OBJECT, "outputs: parameters", "an object");
          form = outputForm(parser);
        } else {
          parser.skipChildren();
        }
      }
      if (found == null || !outputs.contains(found)) {
        throw new InvalidRecordException(
            UNKNOWN_OUTPUT,
            "outputs: expected names out of "
                + outputs
                + ", found "
                + (found == null ? "none" : "'" + abbreviated(found) + "'"));
      }
      requested.add(found);
      if (form != null) {
        outputForms.put(found, form);
      }
    }

    private @Nullable Boolean outputForm(JsonParser parser)
        throws IOException, InvalidRecordException {
      Boolean form = null;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken token = parser.nextToken();
        if (name.equals("binary_data")) {
          if (!token.isBoolean()) {
            throw new InvalidRecordException(
                MALFORMED,
                "outputs: parameters.binary_data: expected true or false, found "
                    + described(token));
          }
          form = token == JsonToken.VALUE_TRUE;
        } else {
          parser.skipChildren();
        }
      }
      return form;
    }

    private void input(JsonParser parser)
        throws IOException, InvalidRecordException, NoRoomException {
      expect(parser.currentToken(), JsonToken.START_OBJECT, "inputs", "objects");
      InputHeader header = new InputHeader();
      boolean read = false;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        JsonToken token = parser.nextToken();
        switch (field) {
          case "name" -> {
            expect(token, JsonToken.VALUE_STRING, "inputs: name", "a string");
            header.name = parser.getText();
          }
          case "datatype" -> {
            expect(token, JsonToken.VALUE_STRING, about(header) + "datatype", "a string");
            header.datatype = parser.getText();
          }
          case "shape" -> header.shape = shape(parser, header);
          case "parameters" -> parameters(parser, header);
          case "data" -> {
            expect(token, JsonToken.START_ARRAY, about(header) + "data", "an array");
            if (header.name != null && header.shape != null && header.datatype != null) {
              accept(header);
              readJson(parser, header);
              read = true;
            } else {
              header.dataOffset = parser.currentTokenLocation().getByteOffset();
              parser.skipChildren();
            }
          }
          default -> parser.skipChildren();
        }
      }
      if (read) {
        return;
      }
      accept(header);
      if (header.dataOffset >= 0) {
        int start = Math.toIntExact(header.dataOffset);
        try (JsonParser again = JSON.createParser(value, start, jsonLength - start)) {
          again.nextToken();
          readJson(again, header);
        }
      } else if (header.binarySize >= 0 && binary) {
        binaryInputs.add(header);
      } else {
        throw new InvalidRecordException(
            MALFORMED,
            about(header)
                + (binary
                    ? "expected data or parameters.binary_data_size, found neither"
                    : "expected data, found none"));
      }
    }

    private long[] shape(JsonParser parser, InputHeader header)
        throws IOException, InvalidRecordException {
      String field = about(header) + "shape";
      expect(parser.currentToken(), JsonToken.START_ARRAY, field, "an array");
      long[] sizes = new long[8];
      int rank = 0;
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        expect(parser.currentToken(), JsonToken.VALUE_NUMBER_INT, field, "whole numbers");
        if (rank == sizes.length) {
          sizes = Arrays.copyOf(sizes, 2 * rank);
        }
        sizes[rank++] = parser.getLongValue();
      }
      return Arrays.copyOf(sizes, rank);
    }

    private void parameters(JsonParser parser, InputHeader header)
        throws IOException, InvalidRecordException {
      expect(
          parser.currentToken(), JsonToken.START_OBJECT, about(header) + "parameters", "an object");
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean size = parser.currentName().equals("binary_data_size");
        JsonToken token = parser.nextToken();
        if (size) {
          String field = about(header) + "parameters.binary_data_size";
          expect(token, JsonToken.VALUE_NUMBER_INT, field, "a count of bytes");
          header.binarySize = parser.getLongValue();
        } else {
          parser.skipChildren();
        }
      }
    }

    /** Checks what an input says about itself against the model. */
    private void accept(InputHeader header) throws InvalidRecordException, NoRoomException {
      header.index = inputs.find(header.name, seen);
      inputs.requireType(header.index, header.datatype);
      acceptShape(header, inputs.get(header.index));
    }

    private void acceptShape(InputHeader header, TensorInfo info)
        throws InvalidRecordException, NoRoomException {
      long[] shape = header.shape;
      if (shape == null) {
        throw new InvalidRecordException(
            MALFORMED, about(header) + "expected shape " + info.shapeText() + ", found none");
      }
      if (shape.length != info.rank() || Arrays.stream(shape).anyMatch(size -> size < 0)) {
        throw wrongShape(about(header), info, shape);
      }
      target.place(header.index, shape, about(header));
    }

    private void readJson(JsonParser parser, InputHeader header)
        throws IOException, InvalidRecordException {
      TensorInfo info = inputs.get(header.index);
      if (info.type() == ElementType.FP16 || info.type() == ElementType.BF16) {
        throw new InvalidRecordException(
            UNSUPPORTED_DATATYPE,
            about(header) + "expected " + info.type() + " in the binary form, found JSON data");
      }
      ElementSink sink =
          new ElementSink(
              about(header) + "data",
              info.type(),
              target.buffer(header.index),
              target.offset(header.index),
              elements(header));
      JsonToken token = parser.nextToken();
      if (token == JsonToken.START_ARRAY && info.rank() > 0) {
        readNested(parser, sink, header, 0, token);
      } else {
        for (; token != JsonToken.END_ARRAY; token = parser.nextToken()) {
          sink.put(parser, token);
        }
      }
      sink.finish();
    }

    private static int elements(InputHeader header) {
      return Math.toIntExact(Tensor.elements(Objects.requireNonNull(header.shape)));
    }

    /** Reads what is left of the array at {@code axis}, whose first entry begins with a token. */
    private void readNested(
        JsonParser parser, ElementSink sink, InputHeader header, int axis, JsonToken first)
        throws IOException, InvalidRecordException {
      long[] shape = Objects.requireNonNull(header.shape);
      long entries = 0;
      for (JsonToken token = first; token != JsonToken.END_ARRAY; token = parser.nextToken()) {
        entries++;
        if (axis == shape.length - 1) {
          sink.put(parser, token);
        } else {
          expect(
              token, JsonToken.START_ARRAY, about(header) + "data", "arrays nested as shape says");
          readNested(parser, sink, header, axis + 1, parser.nextToken());
        }
      }
      if (entries != shape[axis]) {
        throw new InvalidRecordException(
            WRONG_COUNT,
            about(header)
                + "data: expected arrays of "
                + shape[axis]
                + " entries along axis "
                + axis
                + ", found "
                + entries);
      }
    }

    private void readBinary() throws InvalidRecordException {
      long position = jsonLength;
      for (InputHeader header : binaryInputs) {
        TensorInfo info = inputs.get(header.index);
        int expected = elements(header) * info.type().bytes();
        if (header.binarySize != expected) {
          throw new InvalidRecordException(
              WRONG_COUNT,
              about(header)
                  + "parameters.binary_data_size: expected "
                  + expected
                  + " bytes, found "
                  + header.binarySize);
        }
        if (position + expected > value.length) {
          throw new InvalidRecordException(
              TRUNCATED,
              about(header)
                  + "expected "
                  + expected
                  + " bytes of data, found "
                  + (value.length - position));
        }
        ByteBuffer buffer = target.buffer(header.index);
        int offset = target.offset(header.index);
        RawElements.fromLittleEndian(value, (int) position, expected, info.type(), buffer, offset);
        requireFinite(about(header), info.type(), buffer, offset, expected);
        position += expected;
      }
      if (position != value.length) {
        throw new InvalidRecordException(
            binary ? WRONG_COUNT : MALFORMED,
            "expected "
                + (position - jsonLength)
                + " bytes after the JSON header, found "
                + (value.length - jsonLength));
      }
    }

    private String about(InputHeader header) {
      return ModelInputs.about(header.name);
    }
  }

  static void requireFinite(
      String about, ElementType type, ByteBuffer buffer, int offset, int length)
      throws InvalidRecordException {
    int element = RawElements.firstNonFinite(type, buffer, offset, length);
    if (element >= 0) {
      throw new InvalidRecordException(
          NOT_FINITE,
          about + "data: expected finite numbers, found NaN or infinity at element " + element);
    }
  }

  static InvalidRecordException wrongShape(String about, TensorInfo info, long[] shape) {
    return new InvalidRecordException(
        WRONG_SHAPE,
        about
            + "expected shape "
            + info.shapeText()
            + ", found "
            + abbreviated(Arrays.toString(shape)));
  }

  private static void expect(
      @Nullable JsonToken found, JsonToken expected, String field, String expectation)
      throws InvalidRecordException {
    if (found != expected) {
      throw new InvalidRecordException(
          MALFORMED, field + ": expected " + expectation + ", found " + described(found));
    }
  }

  static String described(@Nullable JsonToken token) {
    if (token == null) {
      return "nothing";
    }
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_STRING -> "a string";
      case VALUE_NUMBER_INT -> "a whole number";
      case VALUE_NUMBER_FLOAT -> "a number";
      case VALUE_TRUE, VALUE_FALSE -> "a boolean";
      case VALUE_NULL -> "null";
      default -> token.toString();
    };
  }
}
