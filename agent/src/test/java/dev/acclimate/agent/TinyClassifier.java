package dev.acclimate.agent;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** An untrained classifier of 32 x 32 images with one BatchNormalization. */
final class TinyClassifier {
  private static final int CLASSES = 10;

  private TinyClassifier() {}

  static Path write(Path file) throws IOException {
    return write(file, 1);
  }

  /** Another seed makes another model with the same inputs and outputs. */
  static Path write(Path file, long seed) throws IOException {
    return write(file, seed, "image");
  }

  static Path write(Path file, long seed, String input) throws IOException {
    return write(file, graph(seed, input));
  }

  /** The same up to the pooling: features {@code [batch, 10, 1, 1]} instead of scores. */
  static Path writeWithoutScores(Path file) throws IOException {
    GraphProto.Builder graph = graph(1, "image").toBuilder();
    graph.removeNode(graph.getNodeCount() - 1).setOutput(0, value("p", CLASSES, 1, 1));
    return write(file, graph.build());
  }

  private static GraphProto graph(long seed, String input) {
    Random random = new Random(seed);
    float[] weight = new float[3 * CLASSES];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) random.nextGaussian();
    }
    return GraphProto.newBuilder()
        .setName("tiny")
        .addInput(value(input, 3, 32, 32))
        .addOutput(value("scores", CLASSES))
        .addInitializer(floats("weight", weight, CLASSES, 3, 1, 1))
        .addInitializer(floats("gamma", filled(1), CLASSES))
        .addInitializer(floats("beta", filled(0), CLASSES))
        .addInitializer(floats("mean", filled(0.1f), CLASSES))
        .addInitializer(floats("variance", filled(2), CLASSES))
        .addNode(node("Conv", "h", input, "weight"))
        .addNode(node("BatchNormalization", "n", "h", "gamma", "beta", "mean", "variance"))
        .addNode(node("Relu", "r", "n"))
        .addNode(node("GlobalAveragePool", "p", "r"))
        .addNode(
            node("Flatten", "scores", "p").toBuilder()
                .addAttribute(
                    AttributeProto.newBuilder()
                        .setName("axis")
                        .setType(AttributeProto.AttributeType.INT)
                        .setI(1)))
        .build();
  }

  private static Path write(Path file, GraphProto graph) throws IOException {
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build();
    return Files.write(file, model.toByteArray());
  }

  private static float[] filled(float value) {
    float[] values = new float[CLASSES];
    java.util.Arrays.fill(values, value);
    return values;
  }

  private static NodeProto node(String type, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(type)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static TensorProto floats(String name, float[] values, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long size : shape) {
      tensor.addDims(size);
    }
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }

  private static ValueInfoProto value(String name, long... inner) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"));
    for (long size : inner) {
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
