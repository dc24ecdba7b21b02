package dev.acclimate.adapters.learning;

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
import java.util.List;
import java.util.SplittableRandom;

/**
 * Two 1x1 convolutions, each with BatchNormalization and Relu, the mean over positions and a linear
 * layer: {@code x [batch, 2, 4]} to {@code logits [batch, 3]}.
 */
final class TinyClassifier {
  static final int INPUTS = 2;
  static final int POSITIONS = 4;
  static final int WIDTH = 3;
  static final int CLASSES = 3;

  private TinyClassifier() {}

  static OnnxModel create(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    GraphProto.Builder graph = GraphProto.newBuilder().setName("tiny");
    graph.addInput(value("x", INPUTS, POSITIONS)).addOutput(value("logits", CLASSES));
    String x = "x";
    for (int site = 1; site <= 2; site++) {
      int inputs = site == 1 ? INPUTS : WIDTH;
      graph.addInitializer(drawn("w" + site, random, WIDTH, inputs, 1));
      graph.addInitializer(drawn("gamma" + site, random, WIDTH));
      graph.addInitializer(drawn("beta" + site, random, WIDTH));
      graph.addInitializer(drawn("mean" + site, random, WIDTH));
      graph.addInitializer(named("var" + site, new float[] {0.5f, 1, 2}, WIDTH));
      graph.addNode(node("Conv", "c" + site, x, "w" + site));
      graph.addNode(
          node(
                  "BatchNormalization",
                  "n" + site,
                  "c" + site,
                  "gamma" + site,
                  "beta" + site,
                  "mean" + site,
                  "var" + site)
              .toBuilder()
              .addAttribute(
                  AttributeProto.newBuilder()
                      .setName("epsilon")
                      .setType(AttributeProto.AttributeType.FLOAT)
                      .setF(1e-5f)));
      graph.addNode(node("Relu", "r" + site, "n" + site));
      x = "r" + site;
    }
    graph.addNode(node("GlobalAveragePool", "pool", x));
    graph.addNode(node("Flatten", "flat", "pool"));
    graph.addInitializer(drawn("fc", random, CLASSES, WIDTH));
    graph.addInitializer(drawn("bias", random, CLASSES));
    graph.addNode(
        node("Gemm", "logits", "flat", "fc", "bias").toBuilder()
            .addAttribute(OperatorWriter.integer("transB", 1)));
    return OnnxModel.parse(
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build()
            .toByteArray(),
        "tiny");
  }

  static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .setName(output)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static TensorProto drawn(String name, SplittableRandom random, long... shape) {
    int size = 1;
    for (long one : shape) {
      size *= (int) one;
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextGaussian() * 0.7 + (name.startsWith("gamma") ? 1 : 0));
    }
    return named(name, values, shape);
  }

  static TensorProto named(String name, float[] values, long... shape) {
    return Constants.tensor(values, shape).toBuilder().setName(name).build();
  }

  static ValueInfoProto value(String name, long... sizes) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"));
    for (long size : sizes) {
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
