package dev.acclimate.simulate.training;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.List;

/**
 * A network in the making, layer by layer, with parameters drawn from a seed and named as
 * torchvision names them.
 */
final class NetworkLayers {
  static final String INPUT = "input";
  private static final String OUTPUT = "logits";
  private static final int OPSET = 17;
  private static final int IR_VERSION = 8;

  private final GraphProto.Builder graph = GraphProto.newBuilder();
  private final SeededRandom random;

  /**
   * A network without layers.
   *
   * @param sample shape of a sample
   */
  NetworkLayers(String name, SeededRandom random, long[] sample, int classes) {
    this.random = random;
    graph.setName(name);
    graph.addInput(valueInfo(INPUT, sample));
    graph.addOutput(valueInfo(OUTPUT, classes));
  }

  OnnxModel build() {
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("acclimate")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
            .setGraph(graph)
            .build(),
        "builtin");
  }

  String normalization(String name, String x, int channels) {
    return node(
        "BatchNormalization",
        name,
        List.of(
            x,
            filled(name + ".weight", 1, channels),
            filled(name + ".bias", 0, channels),
            filled(name + ".running_mean", 0, channels),
            filled(name + ".running_var", 1, channels)),
        OperatorWriter.number("epsilon", 1e-5f));
  }

  String relu(String name, String x) {
    return node("Relu", name, List.of(x));
  }

  /** A linear layer with a bias, to the logits. */
  void logits(String x, int inputs, int classes) {
    String weight = gaussian("fc.weight", Math.sqrt(1.0 / inputs), classes, inputs);
    List<String> from = List.of(x, weight, filled("fc.bias", 0, classes));
    emit("Gemm", "fc", from, OUTPUT, OperatorWriter.integer("transB", 1));
  }

  /** A linear layer without a bias, which a normalization behind it would make redundant. */
  String linear(String name, String x, int inputs, int outputs) {
    String weight = gaussian(name + ".weight", Math.sqrt(2.0 / inputs), outputs, inputs);
    return node("Gemm", name, List.of(x, weight), OperatorWriter.integer("transB", 1));
  }

  /** Adds a node whose result is named as the node with {@code /output} behind. */
  String node(String operator, String name, List<String> inputs, AttributeProto... attributes) {
    String output = name + "/output";
    emit(operator, name, inputs, output, attributes);
    return output;
  }

  private void emit(
      String operator,
      String name,
      List<String> inputs,
      String output,
      AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(name)
            .addAllInput(inputs)
            .addOutput(output)
            .addAllAttribute(List.of(attributes)));
  }

  String gaussian(String name, double deviation, long... shape) {
    float[] values = new float[Math.toIntExact(Tensor.elements(shape))];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * deviation);
    }
    return initializer(name, values, shape);
  }

  private String filled(String name, float value, int size) {
    float[] values = new float[size];
    Arrays.fill(values, value);
    return initializer(name, values, size);
  }

  private String initializer(String name, float[] values, long... shape) {
    graph.addInitializer(Constants.tensor(values, shape).toBuilder().setName(name));
    return name;
  }

  private static ValueInfoProto valueInfo(String name, long... sizesOfOne) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"));
    for (long size : sizesOfOne) {
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
