package dev.acclimate.agent.load;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.RequestEncoder;
import inference.ModelInferRequest;
import inference.ModelInferResponse;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/** How requests and answers go over the wire. */
public enum Wire {
  /** JSON both ways. */
  JSON,
  /** The binary extension both ways. */
  BINARY,
  /** gRPC with raw tensors. */
  GRPC;

  private static final int GRPC_PREFIX = 5;

  /**
   * Reads {@code json}, {@code binary} or {@code grpc}.
   *
   * @throws InvalidInputException when it is none of them
   */
  public static Wire parse(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "json" -> JSON;
      case "binary" -> BINARY;
      case "grpc" -> GRPC;
      default ->
          throw new InvalidInputException("expected binary, json or grpc, found '" + text + "'");
    };
  }

  /**
   * A request's body.
   *
   * @param headerLength bytes of the JSON header of a binary body, else -1
   */
  record Body(Buffer content, int headerLength) {}

  /** A request for one sample. */
  Body encode(String model, TensorInfo input, float... sample) {
    if (this == GRPC) {
      return new Body(framed(message(model, input, sample)), -1);
    }
    RequestEncoder.Form form = this == JSON ? RequestEncoder.Form.JSON : RequestEncoder.Form.BINARY;
    RequestEncoder.Encoded encoded = new RequestEncoder(input, form).encode("", sample);
    return new Body(Buffer.buffer(encoded.value()), encoded.headerLength());
  }

  private static byte[] message(String model, TensorInfo input, float... sample) {
    ModelInferRequest.InferInputTensor.Builder tensor =
        ModelInferRequest.InferInputTensor.newBuilder()
            .setName(input.name())
            .setDatatype(input.type().name())
            .addShape(1);
    for (int axis = 1; axis < input.rank(); axis++) {
      tensor.addShape(input.dimensions().get(axis).size());
    }
    ByteBuffer raw =
        ByteBuffer.allocate(Float.BYTES * sample.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(sample);
    return ModelInferRequest.newBuilder()
        .setModelName(model)
        .addInputs(tensor)
        .addRawInputContents(ByteString.copyFrom(raw))
        .build()
        .toByteArray();
  }

  /** A message as gRPC sends it: not compressed, its length in front. */
  private static Buffer framed(byte... message) {
    return Buffer.buffer(GRPC_PREFIX + message.length)
        .appendByte((byte) 0)
        .appendInt(message.length)
        .appendBytes(message);
  }

  /**
   * The numbers of an answer's first output.
   *
   * @param headerLength bytes of the JSON header, as the answer says; -1 where it says nothing
   * @throws IllegalArgumentException when the body is no answer of this form
   */
  float[] decode(Buffer body, int headerLength) {
    if (this == GRPC) {
      return grpc(body);
    }
    if (headerLength >= 0) {
      JsonObject header = body.slice(0, headerLength).toJsonObject();
      int size = firstOutput(header).getJsonObject("parameters").getInteger("binary_data_size");
      return floats(ByteBuffer.wrap(body.getBytes(headerLength, headerLength + size)));
    }
    JsonArray data = firstOutput(body.toJsonObject()).getJsonArray("data");
    float[] values = new float[data.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.getFloat(i);
    }
    return values;
  }

  private static JsonObject firstOutput(JsonObject answer) {
    return answer.getJsonArray("outputs").getJsonObject(0);
  }

  private static float[] grpc(Buffer body) {
    try {
      ModelInferResponse response =
          ModelInferResponse.parseFrom(body.getBytes(GRPC_PREFIX, body.length()));
      return floats(response.getRawOutputContents(0).asReadOnlyByteBuffer());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("expected a ModelInferResponse", e);
    }
  }

  private static float[] floats(ByteBuffer raw) {
    float[] values = new float[raw.remaining() / Float.BYTES];
    raw.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
