package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.Arrays;
import java.util.List;

/** A small ONNX model in the making. */
final class ModelSketch {
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("sketch");
  private final long opset;
  private long irVersion = 4;

  private ModelSketch(long opset) {
    this.opset = opset;
  }

  static ModelSketch ofOpset(long opset) {
    return new ModelSketch(opset);
  }

  /** {@code x [batch, 2, spatial...]} to {@code y} by one BatchNormalization "bn". */
  static ModelSketch oneSite(long opset, long... spatial) {
    Object[] sizes = new Object[2 + spatial.length];
    sizes[0] = "batch";
    sizes[1] = 2L;
    for (int i = 0; i < spatial.length; i++) {
      sizes[2 + i] = spatial[i];
    }
    return ofOpset(opset)
        .input("x", sizes)
        .output("y", sizes)
        .parameters()
        .node("BatchNormalization", "bn", "x gamma beta mean variance", "y");
  }

  /** {@code x [batch, 3, 4, 4]} through the 1x1 convolution "conv" to {@code h}, then "bn" to y. */
  static ModelSketch convolutionAndSite() {
    return ofOpset(17)
        .input("x", "batch", 3L, 4L, 4L)
        .output("y", "batch", 2L, 4L, 4L)
        .initializer("weight", new float[] {1, -2, 3, 0.5f, 0, -1}, 2, 3, 1, 1)
        .parameters();
  }

  ModelSketch irVersion(long version) {
    irVersion = version;
    return this;
  }

  ModelSketch input(String name, Object... sizes) {
    graph.addInput(value(name, TensorProto.DataType.FLOAT, sizes));
    return this;
  }

  ModelSketch input(String name, TensorProto.DataType type, Object... sizes) {
    graph.addInput(value(name, type, sizes));
    return this;
  }

  ModelSketch output(String name, Object... sizes) {
    graph.addOutput(value(name, TensorProto.DataType.FLOAT, sizes));
    return this;
  }

  ModelSketch output(String name, TensorProto.DataType type, Object... sizes) {
    graph.addOutput(value(name, type, sizes));
    return this;
  }

  /** The initializers gamma, beta, mean and variance of two channels. */
  ModelSketch parameters() {
    return initializer("gamma", new float[] {1.5f, -0.5f}, 2)
        .initializer("beta", new float[] {0.25f, 1}, 2)
        .initializer("mean", new float[] {2, -3}, 2)
        .initializer("variance", new float[] {4, 0.25f}, 2);
  }

  ModelSketch initializer(String name, float[] values, long... shape) {
    graph.addInitializer(floats(name, values, shape));
    return this;
  }

  ModelSketch initializer(TensorProto tensor) {
    graph.addInitializer(tensor);
    return this;
  }

  /** A node; inputs and outputs are separated by spaces. */
  ModelSketch node(
      String type, String name, String inputs, String outputs, AttributeProto... attributes) {
    return node(nodeOf(type, name, inputs, outputs, attributes));
  }

  ModelSketch node(NodeProto node) {
    graph.addNode(node);
    return this;
  }

  static NodeProto nodeOf(
      String type, String name, String inputs, String outputs, AttributeProto... attributes) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(name)
        .addAllInput(words(inputs))
        .addAllOutput(words(outputs))
        .addAllAttribute(List.of(attributes))
        .build();
  }

  private static List<String> words(String text) {
    return Arrays.stream(text.split(" ", -1)).filter(word -> !word.isEmpty()).toList();
  }

  static AttributeProto tensor(String name, TensorProto value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.TENSOR)
        .setT(value)
        .build();
  }

  static AttributeProto graph(String name, GraphProto value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.GRAPH)
        .setG(value)
        .build();
  }

  static TensorProto floats(String name, float[] values, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber());
    Arrays.stream(shape).forEach(tensor::addDims);
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }

  static ValueInfoProto value(String name, TensorProto.DataType type, Object... sizes) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (Object size : sizes) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      shape.addDim(
          size instanceof Number number
              ? dimension.setDimValue(number.longValue())
              : dimension.setDimParam((String) size));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  ModelProto proto() {
    return ModelProto.newBuilder()
        .setIrVersion(irVersion)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
        .setGraph(graph)
        .build();
  }

  byte[] bytes() {
    return proto().toByteArray();
  }

  OnnxModel model() {
    return OnnxModel.parse(bytes(), "sketch");
  }
}
