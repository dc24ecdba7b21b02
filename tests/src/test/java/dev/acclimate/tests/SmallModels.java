package dev.acclimate.tests;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.List;

/** Models of a few nodes, {@code input [batch, 3, 32, 32]} to {@code output} of the same shape. */
final class SmallModels {
  private SmallModels() {}

  /** One BatchNormalization with this mean in every channel. */
  static byte[] withSite(float mean) {
    return model(
        GraphProto.newBuilder()
            .addInitializer(channels("gamma", 1))
            .addInitializer(channels("beta", 0))
            .addInitializer(channels("mean", mean))
            .addInitializer(channels("variance", 1))
            .addNode(
                node("BatchNormalization", "output", "input", "gamma", "beta", "mean", "variance")
                    .toBuilder()
                    .setName("bn")));
  }

  /** As exporters leave a model that was folded: nothing normalizes. */
  static byte[] folded() {
    return model(
        GraphProto.newBuilder()
            .addNode(node("Relu", "a", "input"))
            .addNode(node("Relu", "b", "a"))
            .addNode(node("Abs", "output", "b")));
  }

  /** A model whose operator no runtime knows. */
  static byte[] withUnknownOperator() {
    return model(GraphProto.newBuilder().addNode(node("NoSuchThing", "output", "input")));
  }

  private static byte[] model(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .setGraph(graph.setName("small").addInput(image("input")).addOutput(image("output")))
        .build()
        .toByteArray();
  }

  private static NodeProto node(String type, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static TensorProto channels(String name, float value) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(TensorProto.DataType.FLOAT.getNumber())
        .addDims(3)
        .addAllFloatData(List.of(value, value, value))
        .build();
  }

  private static ValueInfoProto image(String name) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"));
    for (long size : new long[] {3, 32, 32}) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(size));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(shape)))
        .build();
  }
}
