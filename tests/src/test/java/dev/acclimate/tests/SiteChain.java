package dev.acclimate.tests;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A chain of normalization sites with hardly any computation between them: states as large as a
 * real network's, without its time. {@code input [batch, first site's channels, 2, 2]}, tiled where
 * channels grow and cut where they shrink, to {@code output [batch, last site's channels]}.
 */
final class SiteChain {
  static final int SIZE = 2;

  private final List<Integer> channels;
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("chain");
  private final SplittableRandom random = new SplittableRandom(1);

  private SiteChain(List<Integer> channels) {
    this.channels = channels;
  }

  static byte[] of(List<Integer> channels) {
    return new SiteChain(channels).build();
  }

  /** The channels of ResNet-50's 53 sites (He et al. 2016, table 1): 26,560 in all. */
  static List<Integer> resNet50() {
    List<Integer> channels = new ArrayList<>(List.of(64));
    int[] blocks = {3, 4, 6, 3};
    for (int stage = 0; stage < blocks.length; stage++) {
      int width = 64 << stage;
      channels.add(4 * width); // the shortcut's projection
      for (int block = 0; block < blocks[stage]; block++) {
        channels.addAll(List.of(width, width, 4 * width));
      }
    }
    return channels;
  }

  private byte[] build() {
    int first = channels.get(0);
    int last = channels.get(channels.size() - 1);
    graph
        .addInput(value("input", first, SIZE, SIZE))
        .addOutput(value("output", last))
        .addInitializer(integers("axis", 1))
        .addInitializer(integers("zero", 0));
    String tensor = "input";
    int width = first;
    for (int site = 0; site < channels.size(); site++) {
      int wanted = channels.get(site);
      tensor = resize(tensor, width, wanted, site);
      tensor = normalize(tensor, wanted, site);
      width = wanted;
    }
    graph
        .addNode(node("GlobalAveragePool", "pool", "pooled", tensor))
        .addNode(
            node("Flatten", "flatten", "output", "pooled").toBuilder()
                .addAttribute(
                    AttributeProto.newBuilder()
                        .setName("axis")
                        .setType(AttributeProto.AttributeType.INT)
                        .setI(1)));
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private String resize(String tensor, int from, int to, int site) {
    if (from == to) {
      return tensor;
    }
    String resized = "x" + site;
    String size = "size" + site;
    if (to > from) {
      graph
          .addInitializer(integers(size, 1, to / from, 1, 1))
          .addNode(node("Tile", "tile" + site, resized, tensor, size));
    } else {
      graph
          .addInitializer(integers(size, to))
          .addNode(node("Slice", "slice" + site, resized, tensor, "zero", size, "axis"));
    }
    return resized;
  }

  private String normalize(String tensor, int width, int site) {
    String prefix = "bn" + site + ".";
    graph
        .addInitializer(channels(prefix + "gamma", width, 0.5, 1.5))
        .addInitializer(channels(prefix + "beta", width, -1, 1))
        .addInitializer(channels(prefix + "mean", width, -0.5, 0.5))
        .addInitializer(channels(prefix + "variance", width, 0.5, 1.5))
        .addNode(
            node(
                "BatchNormalization",
                "bn" + site,
                "n" + site,
                tensor,
                prefix + "gamma",
                prefix + "beta",
                prefix + "mean",
                prefix + "variance"));
    return "n" + site;
  }

  private TensorProto channels(String name, int count, double low, double high) {
    TensorProto.Builder tensor = tensor(name, TensorProto.DataType.FLOAT).addDims(count);
    for (int i = 0; i < count; i++) {
      tensor.addFloatData((float) random.nextDouble(low, high));
    }
    return tensor.build();
  }

  private static TensorProto integers(String name, long... values) {
    TensorProto.Builder tensor = tensor(name, TensorProto.DataType.INT64).addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    return tensor.build();
  }

  private static TensorProto.Builder tensor(String name, TensorProto.DataType type) {
    return TensorProto.newBuilder().setName(name).setDataType(type.getNumber());
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
}
