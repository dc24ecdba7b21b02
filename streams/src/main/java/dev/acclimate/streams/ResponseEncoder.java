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
import java.util.List;
import java.util.Map;

/**
 * Encodes one request's share of a batch's outputs as an Open Inference Protocol v2 response, in
 * the form of the request: {@code model_name}, {@code model_version}, {@code id} when the request
 * had one, and {@code outputs} with flat data. Thread-safe.
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
   * Encodes samples {@code first} to {@code first + request.samples()} of a batch.
   *
   * @throws InvalidRecordException when the response cannot be said in the request's form: JSON has
   *     no NaN and no infinity
   */
  public InferenceResponse encode(InferenceRequest request, Map<String, Tensor> batch, int first)
      throws InvalidRecordException {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("model_name", modelName);
      json.writeStringField("model_version", modelVersion);
      if (request.id() != null) {
        json.writeStringField("id", request.id());
      }
      json.writeArrayFieldStart("outputs");
      for (TensorInfo output : outputs) {
        if (wanted(request, output)) {
          writeOutput(json, request, output.name(), tensor(batch, output), first);
        }
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    byte[] header = bytes.toByteArray();
    return request.binary()
        ? withData(request, header, batch, first)
        : new InferenceResponse(header, -1);
  }

  private static boolean wanted(InferenceRequest request, TensorInfo output) {
    return request.outputs().isEmpty() || request.outputs().contains(output.name());
  }

  private static Tensor tensor(Map<String, Tensor> batch, TensorInfo output) {
    Tensor tensor = batch.get(output.name());
    if (tensor == null) {
      throw new IllegalStateException("the model gave no output " + output.name());
    }
    return tensor;
  }

  private static int sampleBytes(Tensor tensor) {
    return Math.toIntExact(tensor.elements() / tensor.size(0) * tensor.type().bytes());
  }

  private static void writeOutput(
      JsonGenerator json, InferenceRequest request, String name, Tensor tensor, int first)
      throws IOException, InvalidRecordException {
    int sampleBytes = sampleBytes(tensor);
    int length = request.samples() * sampleBytes;
    json.writeStartObject();
    json.writeStringField("name", name);
    json.writeStringField("datatype", tensor.type().name());
    json.writeArrayFieldStart("shape");
    json.writeNumber(request.samples());
    for (int axis = 1; axis < tensor.rank(); axis++) {
      json.writeNumber(tensor.size(axis));
    }
    json.writeEndArray();
    if (request.binary()) {
      json.writeObjectFieldStart("parameters");
      json.writeNumberField("binary_data_size", length);
      json.writeEndObject();
    } else {
      writeData(json, name, tensor.type(), tensor.bytes(), first * sampleBytes, length);
    }
    json.writeEndObject();
  }

  private static void writeData(
      JsonGenerator json, String name, ElementType type, ByteBuffer bytes, int offset, int length)
      throws IOException, InvalidRecordException {
    int element = RawElements.firstNonFinite(type, bytes, offset, length);
    if (element >= 0) {
      throw new InvalidRecordException(
          DeadLetterReason.RESPONSE,
          "output "
              + name
              + ": expected finite numbers for a JSON response, found NaN or infinity at element "
              + element);
    }
    json.writeArrayFieldStart("data");
    for (int at = offset; at < offset + length; at += type.bytes()) {
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

  private InferenceResponse withData(
      InferenceRequest request, byte[] header, Map<String, Tensor> batch, int first) {
    int size = header.length;
    for (TensorInfo output : outputs) {
      if (wanted(request, output)) {
        size += request.samples() * sampleBytes(tensor(batch, output));
      }
    }
    byte[] value = new byte[size];
    System.arraycopy(header, 0, value, 0, header.length);
    int position = header.length;
    for (TensorInfo output : outputs) {
      if (wanted(request, output)) {
        Tensor tensor = tensor(batch, output);
        int sampleBytes = sampleBytes(tensor);
        int length = request.samples() * sampleBytes;
        RawElements.toLittleEndian(
            tensor.bytes(), first * sampleBytes, length, tensor.type(), value, position);
        position += length;
      }
    }
    return new InferenceResponse(value, header.length);
  }
}
