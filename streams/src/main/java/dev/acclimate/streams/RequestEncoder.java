package dev.acclimate.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Encodes Open Inference Protocol v2 requests, the counterpart of {@link RequestDecoder}: float32
 * samples for one input of a model, or all that a request was read into. Thread-safe.
 */
public final class RequestEncoder {

  /** The two forms of a request. */
  public enum Form {
    JSON,
    BINARY;

    /**
     * Reads {@code binary} or {@code json}.
     *
     * @throws InvalidInputException when it is neither
     */
    public static Form parse(String text) {
      return switch (text.toLowerCase(Locale.ROOT)) {
        case "binary" -> BINARY;
        case "json" -> JSON;
        default -> throw new InvalidInputException("expected binary or json, found '" + text + "'");
      };
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final JsonFactory JSON = new JsonFactory();

  private final TensorInfo input;
  private final Form form;

  public RequestEncoder(TensorInfo input, Form form) {
    if (input.type() != ElementType.FP32 || input.elementsPerSample() < 0) {
      throw new IllegalArgumentException("need FP32 samples of a fixed size, not " + input);
    }
    this.input = input;
    this.form = form;
  }

  /** An encoded request: a record's value and, for the binary form, its header's length. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Encoded(byte[] value, int headerLength) {

    /** True when the record needs the {@code inference-header-content-length} header. */
    public boolean binary() {
      return headerLength >= 0;
    }

    /**
     * The request as a record.
     *
     * @param partition where it goes; null for where its key belongs
     * @param timestamp milliseconds since 1970; null for when it is sent
     * @param key the stream that it is of
     */
    public ProducerRecord<byte[], byte[]> toRecord(
        String topic, @Nullable Integer partition, @Nullable Long timestamp, byte[] key) {
      ProducerRecord<byte[], byte[]> record =
          new ProducerRecord<>(topic, partition, timestamp, key, value);
      if (binary()) {
        byte[] length = RecordHeaders.bytes(Integer.toString(headerLength));
        record.headers().add(RecordHeaders.HEADER_LENGTH, length);
      }
      return record;
    }
  }

  /**
   * Encodes a request that was read, for another server: its id, its parameters, all its inputs and
   * the outputs that it wants.
   *
   * @param inputs by name, finite
   * @param form of the inputs; the binary one asks for a binary answer too
   * @throws InvalidRecordException when an input cannot be said in JSON
   */
  public static Encoded encode(InferenceRequest request, Map<String, Tensor> inputs, Form form)
      throws InvalidRecordException {
    List<OutputSlice> tensors = new ArrayList<>();
    inputs.forEach((name, tensor) -> tensors.add(OutputSlice.of(name, tensor)));
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      if (request.id() != null) {
        json.writeStringField("id", request.id());
      }
      json.writeObjectFieldStart("parameters");
      for (Map.Entry<String, Object> parameter : request.parameters().entrySet()) {
        if (!parameter.getKey().equals("binary_data_output")) {
          json.writeObjectField(parameter.getKey(), parameter.getValue());
        }
      }
      if (form == Form.BINARY) {
        json.writeBooleanField("binary_data_output", true);
      }
      json.writeEndObject();
      json.writeArrayFieldStart("inputs");
      for (OutputSlice tensor : tensors) {
        ResponseEncoder.writeTensor(json, tensor, form == Form.BINARY);
      }
      json.writeEndArray();
      if (!request.outputs().isEmpty()) {
        json.writeArrayFieldStart("outputs");
        for (String output : request.outputs()) {
          json.writeStartObject();
          json.writeStringField("name", output);
          json.writeEndObject();
        }
        json.writeEndArray();
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    byte[] header = bytes.toByteArray();
    if (form == Form.JSON) {
      return new Encoded(header, -1);
    }
    InferenceResponse whole = ResponseEncoder.withData(header, tensors);
    return new Encoded(whole.value(), whole.headerLength());
  }

  /** A request for one or more samples, one after another in {@code values}. */
  public Encoded encode(String id, float[] values) {
    long perSample = input.elementsPerSample();
    if (values.length == 0 || values.length % perSample != 0) {
      throw new IllegalArgumentException(
          "need a multiple of " + perSample + " values for " + input + ", got " + values.length);
    }
    byte[] header = header(id, values, values.length / perSample);
    if (form == Form.JSON) {
      return new Encoded(header, -1);
    }
    byte[] value = Arrays.copyOf(header, header.length + Float.BYTES * values.length);
    ByteBuffer.wrap(value)
        .position(header.length)
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .put(values);
    return new Encoded(value, header.length);
  }

  private byte[] header(String id, float[] values, long samples) {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("id", id);
      if (form == Form.BINARY) {
        // over HTTP the answer is JSON unless asked otherwise
        json.writeObjectFieldStart("parameters");
        json.writeBooleanField("binary_data_output", true);
        json.writeEndObject();
      }
      json.writeArrayFieldStart("inputs");
      json.writeStartObject();
      json.writeStringField("name", input.name());
      json.writeStringField("datatype", input.type().name());
      json.writeArrayFieldStart("shape");
      json.writeNumber(samples);
      for (int axis = 1; axis < input.rank(); axis++) {
        json.writeNumber(input.dimensions().get(axis).size());
      }
      json.writeEndArray();
      if (form == Form.BINARY) {
        json.writeObjectFieldStart("parameters");
        json.writeNumberField("binary_data_size", Float.BYTES * values.length);
        json.writeEndObject();
      } else {
        json.writeArrayFieldStart("data");
        for (float value : values) {
          json.writeNumber(value);
        }
        json.writeEndArray();
      }
      json.writeEndObject();
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }
}
