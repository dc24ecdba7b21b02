package dev.acclimate.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Encodes one request's share of a batch's outputs as an Open Inference Protocol v2 response:
 * {@code model_name}, {@code model_version}, {@code id} when the request had one, and {@code
 * outputs} with flat data. Thread-safe.
 */
public final class ResponseEncoder {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

  private final List<TensorInfo> outputs;
  private final String modelName;
  private final String modelVersion;

  public ResponseEncoder(List<TensorInfo> outputs, String modelName, String modelVersion) {
    this.outputs = List.copyOf(outputs);
    this.modelName = modelName;
    this.modelVersion = modelVersion;
  }

  /**
   * Encodes samples {@code first} to {@code first + request.samples()} of a batch in the form of
   * the request.
   *
   * @throws InvalidRecordException when the response cannot be said in the request's form: JSON has
   *     no NaN and no infinity
   */
  public InferenceResponse encode(InferenceRequest request, Map<String, Tensor> batch, int first)
      throws InvalidRecordException {
    List<OutputSlice> slices = new ArrayList<>();
    for (TensorInfo output : outputs) {
      if (request.wants(output.name())) {
        Tensor tensor = tensor(batch, output);
        slices.add(OutputSlice.of(output.name(), tensor, first, request.samples()));
      }
    }
    return encode(request, slices, name -> request.binary());
  }

  /**
   * Encodes an answer.
   *
   * @param slices the outputs that the request wants
   * @param binary tells by an output's name whether it goes out in the binary form
   * @throws InvalidRecordException when an output cannot be said in JSON
   */
  public InferenceResponse encode(
      InferenceRequest request, List<OutputSlice> slices, Predicate<String> binary)
      throws InvalidRecordException {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    List<OutputSlice> raw = new ArrayList<>();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("model_name", modelName);
      json.writeStringField("model_version", modelVersion);
      if (request.id() != null) {
        json.writeStringField("id", request.id());
      }
      json.writeArrayFieldStart("outputs");
      for (OutputSlice slice : slices) {
        boolean apart = binary.test(slice.name());
        writeTensor(json, slice, apart);
        if (apart) {
          raw.add(slice);
        }
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    byte[] header = bytes.toByteArray();
    return raw.isEmpty() ? new InferenceResponse(header, -1) : withData(header, raw);
  }

  private static Tensor tensor(Map<String, Tensor> batch, TensorInfo output) {
    Tensor tensor = batch.get(output.name());
    if (tensor == null) {
      throw new IllegalStateException("the model gave no output " + output.name());
    }
    return tensor;
  }

  /** Writes a tensor's name, type, shape, and its data or, where that goes apart, its size. */
  static void writeTensor(JsonGenerator json, OutputSlice slice, boolean binary)
      throws IOException, InvalidRecordException {
    json.writeStartObject();
    json.writeStringField("name", slice.name());
    json.writeStringField("datatype", slice.type().name());
    json.writeArrayFieldStart("shape");
    for (long size : slice.shape()) {
      json.writeNumber(size);
    }
    json.writeEndArray();
    if (binary) {
      json.writeObjectFieldStart("parameters");
      json.writeNumberField("binary_data_size", slice.bytes().limit());
      json.writeEndObject();
    } else {
      writeData(json, slice.name(), slice.type(), slice.bytes());
    }
    json.writeEndObject();
  }

  private static void writeData(JsonGenerator json, String name, ElementType type, ByteBuffer bytes)
      throws IOException, InvalidRecordException {
    int element = RawElements.firstNonFinite(type, bytes, 0, bytes.limit());
    if (element >= 0) {
      throw new InvalidRecordException(
          DeadLetterReason.RESPONSE,
          "output "
              + name
              + ": expected finite numbers for a JSON response, found NaN or infinity at element "
              + element);
    }
    json.writeArrayFieldStart("data");
    for (int at = 0; at < bytes.limit(); at += type.bytes()) {
      switch (type) {
        case FP32 -> json.writeNumber(bytes.getFloat(at));
        case FP64 -> json.writeNumber(bytes.getDouble(at));
        case FP16 -> json.writeNumber(RawElements.halfToFloat(bytes.getShort(at)));
        case BF16 -> json.writeNumber(RawElements.bfloatToFloat(bytes.getShort(at)));
        case INT8 -> json.writeNumber(bytes.get(at));
        case INT16 -> json.writeNumber(bytes.getShort(at));
        case INT32 -> json.writeNumber(bytes.getInt(at));
        case INT64 -> json.writeNumber(bytes.getLong(at));
        case UINT8 -> json.writeNumber(Byte.toUnsignedInt(bytes.get(at)));
        case BOOL -> json.writeBoolean(bytes.get(at) != 0);
      }
    }
    json.writeEndArray();
  }

  /** A header with the data of tensors behind it. */
  static InferenceResponse withData(byte[] header, List<OutputSlice> raw) {
    int size = header.length;
    for (OutputSlice slice : raw) {
      size += slice.bytes().limit();
    }
    byte[] value = new byte[size];
    System.arraycopy(header, 0, value, 0, header.length);
    int position = header.length;
    for (OutputSlice slice : raw) {
      int length = slice.bytes().limit();
      RawElements.toLittleEndian(slice.bytes(), 0, length, slice.type(), value, position);
      position += length;
    }
    return new InferenceResponse(value, header.length);
  }
}
