package dev.acclimate.adapters;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A small network of two normalization sites: {@code image [batch, 3, 6, 6]} through convolution
 * ({@code h1}), "bn1" (4 channels), ReLU, convolution ({@code h2}), "bn2" (5 channels), ReLU and
 * pooling to {@code features [batch, 5, 1, 1]} and {@code logits [batch, 5]}.
 */
public final class TwoSiteModel {
  static final int CHANNELS = 3;
  static final int SIZE = 6;

  private TwoSiteModel() {}

  static OnnxModel of(long seed, long opset) {
    return OnnxModel.parse(proto(seed, opset).toByteArray(), "two-sites");
  }

  public static OnnxModel of(long seed) {
    return of(seed, 17);
  }

  static ModelProto proto(long seed, long opset) {
    SplittableRandom random = new SplittableRandom(seed);
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("two_sites")
            .addInput(value("image", CHANNELS, SIZE, SIZE))
            .addOutput(value("logits", 5))
            .addOutput(value("features", 5, 1, 1))
            .addInitializer(gaussian(random, "w1", 0.5, 0, 4, 3, 3, 3))
            .addInitializer(gaussian(random, "w2", 0.3, 0, 5, 4, 3, 3))
            .addNode(node("Conv", "conv1", "h1", "image", "w1"));
    site(graph, random, 1, 4);
    graph.addNode(node("Conv", "conv2", "h2", "r1", "w2"));
    site(graph, random, 2, 5);
    graph
        .addNode(node("GlobalAveragePool", "pool", "features", "r2"))
        .addNode(node("Flatten", "flatten", "logits", "features"));
    return ModelProto.newBuilder()
        .setIrVersion(4)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
        .setGraph(graph)
        .build();
  }

  private static void site(GraphProto.Builder graph, SplittableRandom random, int i, int channels) {
    graph
        .addInitializer(gaussian(random, "gamma" + i, 0.2, 1, channels))
        .addInitializer(gaussian(random, "beta" + i, 0.3, 0.2, channels))
        .addInitializer(gaussian(random, "mean" + i, 0.5, 0, channels))
        .addInitializer(gaussian(random, "variance" + i, 0.1, 1.5, channels))
        .addNode(
            node(
                "BatchNormalization",
                "bn" + i,
                "n" + i,
                "h" + i,
                "gamma" + i,
                "beta" + i,
                "mean" + i,
                "variance" + i))
        .addNode(node("Relu", "relu" + i, "r" + i, "n" + i));
  }

  private static TensorProto gaussian(
      SplittableRandom random, String name, double deviation, double mean, long... shape) {
    float[] values = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return OneSiteModel.floats(name, values, shape);
  }

  private static NodeProto node(String type, String name, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(name)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
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

  /** Images of a domain far from the source, each with an offset of its own. */
  static Tensor images(int batch, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int values = CHANNELS * SIZE * SIZE;
    float[] pixels = new float[batch * values];
    double offset = 0;
    for (int i = 0; i < pixels.length; i++) {
      if (i % values == 0) {
        offset = random.nextGaussian();
      }
      pixels[i] = (float) (0.5 + offset + 1.3 * random.nextGaussian());
    }
    return Tensor.of(pixels, batch, CHANNELS, SIZE, SIZE);
  }
}
