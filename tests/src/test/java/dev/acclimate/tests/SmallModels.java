package dev.acclimate.tests;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.TensorInfo;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Models of a few nodes, {@code input [batch, 3, 32, 32]} to {@code output} of the same shape where
 * nothing else is said.
 */
final class SmallModels {
  /** The input of the {@link #classifier()}. */
  static final TensorInfo CLASSIFIER_INPUT =
      new TensorInfo(
          "input",
          ElementType.FP32,
          List.of(
              Dimension.symbolic("batch"),
              Dimension.fixed(3),
              Dimension.fixed(8),
              Dimension.fixed(8)));

  private static final int CLASSES = 8;

  private SmallModels() {}

  /** An untrained classifier, {@code [batch, 3, 8, 8]} to {@code [batch, 8]}, that normalizes. */
  static byte[] classifier() {
    Random random = new Random(1);
    TensorProto.Builder weight =
        TensorProto.newBuilder()
            .setName("weight")
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .addAllDims(List.of((long) CLASSES, 3L, 1L, 1L));
    for (int i = 0; i < 3 * CLASSES; i++) {
      weight.addFloatData((float) random.nextGaussian());
    }
    return model(
        GraphProto.newBuilder()
            .addInput(tensor("input", 3, 8, 8))
            .addOutput(tensor("output", CLASSES))
            .addInitializer(weight)
            .addInitializer(channels("gamma", 1, CLASSES))
            .addInitializer(channels("beta", 0, CLASSES))
            .addInitializer(channels("mean", 0.1f, CLASSES))
            .addInitializer(channels("variance", 2, CLASSES))
            .addNode(node("Conv", "h", "input", "weight"))
            .addNode(
                node("BatchNormalization", "n", "h", "gamma", "beta", "mean", "variance")
                    .toBuilder()
                    .setName("bn"))
            .addNode(node("Relu", "r", "n"))
            .addNode(node("GlobalAveragePool", "p", "r"))
            .addNode(node("Flatten", "output", "p")));
  }

  /** One BatchNormalization with this mean in every channel. */
  static byte[] withSite(float mean) {
    return model(
        images()
            .addInitializer(channels("gamma", 1, 3))
            .addInitializer(channels("beta", 0, 3))
            .addInitializer(channels("mean", mean, 3))
            .addInitializer(channels("variance", 1, 3))
            .addNode(
                node("BatchNormalization", "output", "input", "gamma", "beta", "mean", "variance")
                    .toBuilder()
                    .setName("bn")));
  }

  /** As exporters leave a model that was folded: nothing normalizes. */
  static byte[] folded() {
    return model(
        images()
            .addNode(node("Relu", "a", "input"))
            .addNode(node("Relu", "b", "a"))
            .addNode(node("Abs", "output", "b")));
  }

  /** A model whose operator no runtime knows. */
  static byte[] withUnknownOperator() {
    return model(images().addNode(node("NoSuchThing", "output", "input")));
  }

  private static byte[] model(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .setGraph(graph.setName("small"))
        .build()
        .toByteArray();
  }

  private static GraphProto.Builder images() {
    return GraphProto.newBuilder()
        .addInput(tensor("input", 3, 32, 32))
        .addOutput(tensor("output", 3, 32, 32));
  }

  private static NodeProto node(String type, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static TensorProto channels(String name, float value, int count) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(TensorProto.DataType.FLOAT.getNumber())
        .addDims(count)
        .addAllFloatData(Collections.nCopies(count, value))
        .build();
  }

  private static ValueInfoProto tensor(String name, long... inner) {
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
