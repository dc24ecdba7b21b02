package dev.acclimate.streams;

import static dev.acclimate.streams.DeadLetterReason.RESPONSE;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Decodes another server's Open Inference Protocol v2 responses, in their JSON and their binary
 * form: the counterpart of {@link ResponseEncoder}. Outputs that the model does not have are passed
 * over, as are fields that the protocol does not know. Thread-safe.
 */
public final class ResponseDecoder {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

  private final Map<String, TensorInfo> outputs = new LinkedHashMap<>();

  /** A decoder for the answers of a model with these outputs. */
  public ResponseDecoder(List<TensorInfo> outputs) {
    outputs.forEach(output -> this.outputs.put(output.name(), output));
  }

  /** What an output says of itself; its data is read once all of that is known. */
  private static final class Output {
    String name = "";
    @Nullable String datatype;
    long[] shape = {};
    long binarySize = -1;
    long dataOffset = -1;
  }

  /**
   * Decodes a response.
   *
   * @param value its body
   * @param headerLength the text of {@code inference-header-content-length}; null for plain JSON
   * @param taking is told the bytes of each tensor before it is made, and may throw
   * @return the outputs that it holds, by name
   * @throws InvalidRecordException when it is no response of this model, or holds numbers that are
   *     not finite
   */
  public Map<String, Tensor> decode(
      byte[] value, @Nullable String headerLength, LongConsumer taking)
      throws InvalidRecordException {
    int jsonLength =
        headerLength == null ? value.length : RequestDecoder.jsonLength(value, headerLength);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    int position = jsonLength;
    try {
      for (Output output : outputs(value, jsonLength)) {
        TensorInfo info = outputs.get(output.name);
        if (info != null) {
          Tensor tensor = room(output, info, value.length, taking);
          fill(tensor, output, value, jsonLength, position);
          requireFinite(output, tensor);
          tensors.put(output.name, tensor);
        }
        position += (int) Math.max(0, Math.min(output.binarySize, value.length - position));
      }
    } catch (IOException e) {
      throw new InvalidRecordException(RESPONSE, "expected JSON, found " + e.getMessage());
    }
    return tensors;
  }

  private static List<Output> outputs(byte[] value, int jsonLength)
      throws IOException, InvalidRecordException {
    List<Output> found = new ArrayList<>();
    try (JsonParser parser = JSON.createParser(value, 0, jsonLength)) {
      require(parser.nextToken() == JsonToken.START_OBJECT, "expected a JSON object");
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean outputs = parser.currentName().equals("outputs");
        if (parser.nextToken() == JsonToken.START_ARRAY && outputs) {
          while (parser.nextToken() == JsonToken.START_OBJECT) {
            found.add(output(parser));
          }
        } else {
          parser.skipChildren();
        }
      }
    }
    return found;
  }

  private static Output output(JsonParser parser) throws IOException, InvalidRecordException {
    Output output = new Output();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken token = parser.nextToken();
      switch (field) {
        case "name" -> output.name = parser.getText();
        case "datatype" -> output.datatype = parser.getText();
        case "shape" -> output.shape = shape(parser);
        case "data" -> {
          require(token == JsonToken.START_ARRAY, "outputs: data: expected an array");
          output.dataOffset = parser.currentTokenLocation().getByteOffset();
          parser.skipChildren();
        }
        case "parameters" -> parameters(parser, output);
        default -> parser.skipChildren();
      }
    }
    return output;
  }

  private static long[] shape(JsonParser parser) throws IOException, InvalidRecordException {
    require(parser.currentToken() == JsonToken.START_ARRAY, "outputs: shape: expected an array");
    long[] sizes = {};
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      require(
          parser.currentToken() == JsonToken.VALUE_NUMBER_INT && parser.getLongValue() >= 0,
          "outputs: shape: expected sizes");
      sizes = Arrays.copyOf(sizes, sizes.length + 1);
      sizes[sizes.length - 1] = parser.getLongValue();
    }
    return sizes;
  }

  private static void parameters(JsonParser parser, Output output)
      throws IOException, InvalidRecordException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      return; // null, as some servers write none
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      boolean size = parser.currentName().equals("binary_data_size");
      if (parser.nextToken() == JsonToken.VALUE_NUMBER_INT && size) {
        output.binarySize = parser.getLongValue();
      } else {
        parser.skipChildren();
      }
    }
  }

  /** Room for an output, of no more elements than the response could hold. */
  private static Tensor room(Output output, TensorInfo info, int bytes, LongConsumer taking)
      throws InvalidRecordException {
    require(
        info.type().name().equals(output.datatype) && info.accepts(output.shape),
        "output "
            + info.name()
            + ": expected "
            + info.type()
            + " "
            + info.shapeText()
            + ", found "
            + output.datatype
            + " "
            + Arrays.toString(output.shape));
    long room = bytes;
    for (long size : output.shape) {
      room /= Math.max(1, size);
    }
    require(room > 0, "output " + info.name() + ": expected the elements that its shape says");
    taking.accept(Tensor.elements(output.shape) * info.type().bytes());
    return Tensor.allocate(info.type(), output.shape);
  }

  private static void fill(Tensor tensor, Output output, byte[] value, int jsonLength, int position)
      throws IOException, InvalidRecordException {
    int size = tensor.bytes().limit();
    if (output.dataOffset >= 0) {
      fill(tensor, output, value, jsonLength);
    } else {
      require(
          output.binarySize == size && position + size <= value.length,
          "output " + output.name + ": expected " + size + " bytes of data");
      RawElements.fromLittleEndian(value, position, size, tensor.type(), tensor.bytes(), 0);
    }
  }

  /** Reads data, flat or nested as its shape says. */
  private static void fill(Tensor tensor, Output output, byte[] value, int jsonLength)
      throws IOException, InvalidRecordException {
    require(
        tensor.type() != ElementType.FP16 && tensor.type() != ElementType.BF16,
        "output " + output.name + ": expected " + tensor.type() + " in the binary form");
    ElementSink sink =
        new ElementSink(
            "output " + output.name + ": data",
            tensor.type(),
            tensor.bytes(),
            0,
            Math.toIntExact(tensor.elements()));
    int start = Math.toIntExact(output.dataOffset);
    try (JsonParser parser = JSON.createParser(value, start, jsonLength - start)) {
      int depth = 0;
      do {
        JsonToken token = parser.nextToken();
        if (token == JsonToken.START_ARRAY) {
          depth++;
        } else if (token == JsonToken.END_ARRAY) {
          depth--;
        } else {
          sink.put(parser, token);
        }
      } while (depth > 0);
    }
    sink.finish();
  }

  private static void requireFinite(Output output, Tensor tensor) throws InvalidRecordException {
    RequestDecoder.requireFinite(
        "output " + output.name + ": ", tensor.type(), tensor.bytes(), 0, tensor.bytes().limit());
  }

  private static void require(boolean holds, String otherwise) throws InvalidRecordException {
    if (!holds) {
      throw new InvalidRecordException(RESPONSE, otherwise);
    }
  }
}
