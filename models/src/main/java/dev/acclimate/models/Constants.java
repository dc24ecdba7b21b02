package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tensors of a graph whose values are known before it runs. */
public final class Constants {
  private final Map<String, TensorProto> initializers = new HashMap<>();
  private final Map<String, NodeProto> producers = new HashMap<>();

  public Constants(GraphProto graph) {
    graph.getInitializerList().forEach(tensor -> initializers.put(tensor.getName(), tensor));
    for (NodeProto node : graph.getNodeList()) {
      node.getOutputList().forEach(output -> producers.put(output, node));
    }
  }

  /** The value of a tensor that is an initializer or a Constant, behind any number of Identity. */
  Optional<TensorProto> value(String tensor) {
    TensorProto initializer = initializers.get(tensor);
    if (initializer != null) {
      return Optional.of(initializer);
    }
    NodeProto producer = producers.get(tensor);
    if (producer == null || !OnnxModel.isDefaultDomain(producer.getDomain())) {
      return Optional.empty();
    }
    return switch (producer.getOpType()) {
      case "Identity" -> value(producer.getInput(0));
      // how exporters make a vector of one number
      case "Unsqueeze" ->
          value(producer.getInput(0))
              .filter(scalar -> scalar.getDimsCount() == 0)
              .map(scalar -> scalar.toBuilder().addDims(1).build());
      case "Constant" ->
          producer.getAttributeList().stream()
              .flatMap(attribute -> constant(attribute).stream())
              .findFirst();
      default -> Optional.empty();
    };
  }

  private static Optional<TensorProto> constant(AttributeProto attribute) {
    return switch (attribute.getName()) {
      case "value" -> Optional.of(attribute.getT());
      case "value_floats" ->
          Optional.of(
              TensorProto.newBuilder()
                  .setDataType(TensorProto.DataType.FLOAT.getNumber())
                  .addDims(attribute.getFloatsCount())
                  .addAllFloatData(attribute.getFloatsList())
                  .build());
      case "value_float" ->
          Optional.of(
              TensorProto.newBuilder()
                  .setDataType(TensorProto.DataType.FLOAT.getNumber())
                  .addFloatData(attribute.getF())
                  .build());
      case "value_int" ->
          Optional.of(
              TensorProto.newBuilder()
                  .setDataType(TensorProto.DataType.INT64.getNumber())
                  .addInt64Data(attribute.getI())
                  .build());
      case "value_ints" -> Optional.of(tensor(attribute.getIntsList()));
      default -> Optional.empty();
    };
  }

  /** The values of a constant float32 vector of {@code length} entries, empty for anything else. */
  Optional<float[]> vector(String tensor) {
    return value(tensor)
        .filter(t -> t.getDataType() == TensorProto.DataType.FLOAT.getNumber())
        .filter(t -> t.getDimsCount() == 1)
        .map(Constants::floats);
  }

  /** The values of a constant int64 or int32 scalar or vector, empty for anything else. */
  public Optional<long[]> integers(String tensor) {
    return value(tensor).filter(t -> t.getDimsCount() <= 1).flatMap(Constants::integers);
  }

  /** What a node reduces, as it is written: an input, in older operator sets an attribute. */
  public Optional<long[]> reducedAxes(NodeProto node) {
    return node.getInputCount() > 1
        ? integers(node.getInput(1))
        : NodeAttributes.integers(node, "axes");
  }

  /** A constant float32 tensor of any shape, a copy. */
  public Optional<Tensor> real(String tensor) {
    return value(tensor)
        .filter(t -> t.getDataType() == TensorProto.DataType.FLOAT.getNumber())
        .map(
            t ->
                Tensor.of(
                    floats(t), t.getDimsList().stream().mapToLong(Long::longValue).toArray()));
  }

  /** The value of a constant number or truth value (0 or 1) of one element. */
  public Optional<Double> scalar(String tensor) {
    Optional<TensorProto> value =
        value(tensor).filter(t -> t.getDimsList().stream().allMatch(size -> size == 1));
    if (value.isEmpty()) {
      return Optional.empty();
    }
    TensorProto one = value.get();
    if (one.getDataType() == TensorProto.DataType.FLOAT.getNumber()) {
      return Optional.of((double) floats(one)[0]);
    }
    if (one.getDataType() == TensorProto.DataType.BOOL.getNumber()) {
      return Optional.of(
          one.hasRawData() ? one.getRawData().byteAt(0) : (double) one.getInt32Data(0));
    }
    return integers(one).map(values -> (double) values[0]);
  }

  private static Optional<long[]> integers(TensorProto tensor) {
    if (tensor.getDataType() == TensorProto.DataType.INT64.getNumber()) {
      return Optional.of(longs(tensor));
    }
    if (tensor.getDataType() == TensorProto.DataType.INT32.getNumber()) {
      return Optional.of(ints(tensor));
    }
    return Optional.empty();
  }

  private static long[] ints(TensorProto tensor) {
    if (tensor.hasRawData()) {
      ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      long[] values = new long[raw.remaining() / Integer.BYTES];
      IntBuffer ints = raw.asIntBuffer();
      Arrays.setAll(values, ints::get);
      return values;
    }
    return tensor.getInt32DataList().stream().mapToLong(Integer::longValue).toArray();
  }

  private static long[] longs(TensorProto tensor) {
    if (tensor.hasRawData()) {
      ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      long[] values = new long[raw.remaining() / Long.BYTES];
      raw.asLongBuffer().get(values);
      return values;
    }
    return tensor.getInt64DataList().stream().mapToLong(Long::longValue).toArray();
  }

  static float[] floats(TensorProto tensor) {
    if (tensor.hasRawData()) {
      ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      float[] values = new float[raw.remaining() / Float.BYTES];
      raw.asFloatBuffer().get(values);
      return values;
    }
    float[] values = new float[tensor.getFloatDataCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.getFloatData(i);
    }
    return values;
  }

  private static TensorProto tensor(List<Long> values) {
    return tensor(values.stream().mapToLong(Long::longValue).toArray());
  }

  /** An int64 vector. */
  static TensorProto tensor(long[] values) {
    ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asLongBuffer().put(values);
    return TensorProto.newBuilder()
        .setDataType(TensorProto.DataType.INT64.getNumber())
        .addDims(values.length)
        .setRawData(ByteString.copyFrom(raw))
        .build();
  }

  /** A float32 tensor; a scalar where no shape is given. */
  public static TensorProto tensor(float[] values, long... shape) {
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .setRawData(ByteString.copyFrom(raw));
    for (long size : shape) {
      tensor.addDims(size);
    }
    return tensor.build();
  }
}
