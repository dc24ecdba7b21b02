package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OnnxJavaType;
import java.util.Optional;

/**
 * The element types of tensors that cross our interfaces, named as the Open Inference Protocol
 * names them.
 */
public enum ElementType {
  FP32(TensorProto.DataType.FLOAT, OnnxJavaType.FLOAT, 4),
  FP64(TensorProto.DataType.DOUBLE, OnnxJavaType.DOUBLE, 8),
  FP16(TensorProto.DataType.FLOAT16, OnnxJavaType.FLOAT16, 2),
  BF16(TensorProto.DataType.BFLOAT16, OnnxJavaType.BFLOAT16, 2),
  INT8(TensorProto.DataType.INT8, OnnxJavaType.INT8, 1),
  INT16(TensorProto.DataType.INT16, OnnxJavaType.INT16, 2),
  INT32(TensorProto.DataType.INT32, OnnxJavaType.INT32, 4),
  INT64(TensorProto.DataType.INT64, OnnxJavaType.INT64, 8),
  UINT8(TensorProto.DataType.UINT8, OnnxJavaType.UINT8, 1),
  BOOL(TensorProto.DataType.BOOL, OnnxJavaType.BOOL, 1);

  private final TensorProto.DataType onnx;
  private final OnnxJavaType java;
  private final int bytes;

  ElementType(TensorProto.DataType onnx, OnnxJavaType java, int bytes) {
    this.onnx = onnx;
    this.java = java;
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  int onnxCode() {
    return onnx.getNumber();
  }

  OnnxJavaType javaType() {
    return java;
  }

  /** The type with this ONNX code, empty for those that we do not carry (strings, complex, ...). */
  static Optional<ElementType> ofOnnxCode(int code) {
    for (ElementType type : values()) {
      if (type.onnxCode() == code) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
