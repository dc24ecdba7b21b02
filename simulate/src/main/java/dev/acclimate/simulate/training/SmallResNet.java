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
import com.google.protobuf.ByteString;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.random.SeededRandom;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * Residual networks for small images as of He et al. 2016 (CVPR), section 4.2, with a projection
 * where the shape changes: a stem, three stages, a linear layer; and the same for time series, with
 * kernels along time alone. Nodes and parameters are named as torchvision names them ({@code
 * layer1.0.bn1}, {@code layer1.0.bn1.weight}).
 */
final class SmallResNet {
  static final String INPUT = "input";
  static final String OUTPUT = "logits";
  private static final int OPSET = 17;
  private static final int IR_VERSION = 8;

  /**
   * A network's measures.
   *
   * @param channels of a sample
   * @param axes sizes of a sample's other axes: height and width, or length
   * @param widths channels of each stage
   * @param kernel size of the convolutions along each axis, odd
   */
  record Architecture(int channels, List<Integer> axes, List<Integer> widths, int kernel) {
    /** For 32x32 RGB images, as published. */
    static final Architecture IMAGES = new Architecture(3, List.of(32, 32), List.of(16, 32, 64), 3);

    /** For 128 steps of three sensors: long kernels, few channels, a fifth of the parameters. */
    static final Architecture SERIES = new Architecture(3, List.of(128), List.of(16, 24, 32), 5);

    /** Shape of a sample. */
    long[] shape() {
      return LongStream.concat(LongStream.of(channels), axes.stream().mapToLong(i -> i)).toArray();
    }
  }

  private final Architecture architecture;
  private final SeededRandom random;
  private final GraphProto.Builder graph = GraphProto.newBuilder();

  private SmallResNet(Architecture architecture, SeededRandom random) {
    this.architecture = architecture;
    this.random = random;
  }

  /**
   * An untrained network with weights drawn as of He et al. 2015 (ICCV).
   *
   * @param blocks residual blocks per stage: 1 gives ResNet-8, 2 ResNet-14, 3 ResNet-20
   */
  static OnnxModel create(Architecture architecture, int blocks, int classes, long seed) {
    return new SmallResNet(architecture, SeededRandom.of(seed, "weights".hashCode()))
        .build(blocks, classes);
  }

  private OnnxModel build(int blocks, int classes) {
    graph.setName("resnet" + (6 * blocks + 2));
    graph.addInput(valueInfo(INPUT, architecture.shape()));
    graph.addOutput(valueInfo(OUTPUT, classes));
    int channels = architecture.widths().get(0);
    String x =
        convolution("conv1", INPUT, architecture.channels(), channels, architecture.kernel(), 1);
    x = relu("relu", normalization("bn1", x, channels));
    for (int stage = 0; stage < architecture.widths().size(); stage++) {
      int width = architecture.widths().get(stage);
      for (int block = 0; block < blocks; block++) {
        int stride = stage > 0 && block == 0 ? 2 : 1;
        x = block("layer" + (stage + 1) + "." + block, x, channels, width, stride);
        channels = width;
      }
    }
    x = node("GlobalAveragePool", "avgpool", List.of(x));
    x = node("Flatten", "flatten", List.of(x));
    linear(x, channels, classes);
    return OnnxModel.of(
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("acclimate")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
            .setGraph(graph)
            .build(),
        "builtin");
  }

  private String block(String name, String x, int inputs, int outputs, int stride) {
    int kernel = architecture.kernel();
    String path = convolution(name + ".conv1", x, inputs, outputs, kernel, stride);
    path = relu(name + ".relu1", normalization(name + ".bn1", path, outputs));
    path = convolution(name + ".conv2", path, outputs, outputs, kernel, 1);
    path = normalization(name + ".bn2", path, outputs);
    String shortcut = x;
    if (stride != 1 || inputs != outputs) {
      shortcut = convolution(name + ".downsample.0", x, inputs, outputs, 1, stride);
      shortcut = normalization(name + ".downsample.1", shortcut, outputs);
    }
    return relu(name + ".relu2", node("Add", name + ".add", List.of(path, shortcut)));
  }

  private String convolution(
      String name, String x, int inputs, int outputs, int kernel, int stride) {
    int axes = architecture.axes().size();
    long[] window = repeated(kernel, axes);
    double deviation = Math.sqrt(2.0 / (outputs * Tensor.elements(window))); // fan out
    long[] shape =
        LongStream.concat(LongStream.of(outputs, inputs), LongStream.of(window)).toArray();
    String weight = gaussian(name + ".weight", deviation, shape);
    return node(
        "Conv",
        name,
        List.of(x, weight),
        OperatorWriter.integers("kernel_shape", window),
        OperatorWriter.integers("strides", repeated(stride, axes)),
        OperatorWriter.integers("pads", repeated(kernel / 2, 2 * axes)));
  }

  private static long[] repeated(long value, int times) {
    return LongStream.generate(() -> value).limit(times).toArray();
  }

  private String normalization(String name, String x, int channels) {
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

  private String relu(String name, String x) {
    return node("Relu", name, List.of(x));
  }

  private void linear(String x, int inputs, int classes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Gemm")
            .setName("fc")
            .addInput(x)
            .addInput(gaussian("fc.weight", Math.sqrt(1.0 / inputs), classes, inputs))
            .addInput(filled("fc.bias", 0, classes))
            .addOutput(OUTPUT)
            .addAttribute(OperatorWriter.integer("transB", 1)));
  }

  /** Adds a node whose result is named as the node with {@code /output} behind. */
  private String node(
      String operator, String name, List<String> inputs, AttributeProto... attributes) {
    String output = name + "/output";
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(name)
            .addAllInput(inputs)
            .addOutput(output)
            .addAllAttribute(List.of(attributes)));
    return output;
  }

  private String gaussian(String name, double deviation, long... shape) {
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
    graph.addInitializer(proto(name, Tensor.of(values, shape)));
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

  /** A float32 tensor as a model file holds it. */
  static TensorProto proto(String name, Tensor tensor) {
    ByteBuffer raw = ByteBuffer.allocate(Math.toIntExact(tensor.elements() * Float.BYTES));
    raw.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(tensor.floats());
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .setRawData(ByteString.copyFrom(raw));
    for (long size : tensor.shape()) {
      proto.addDims(size);
    }
    return proto.build();
  }

  /** Copies of the network's float32 initializers by name, those that training moves and others. */
  static Map<String, Tensor> initializers(OnnxModel model) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (TensorProto proto : model.graph().getInitializerList()) {
      long[] shape = proto.getDimsList().stream().mapToLong(Long::longValue).toArray();
      Tensor tensor = Tensor.allocate(ElementType.FP32, shape);
      ByteBuffer raw = proto.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      tensor.floats().put(raw.asFloatBuffer());
      tensors.put(proto.getName(), tensor);
    }
    return tensors;
  }

  /** Names of the parameters that gradients move: all initializers but running statistics. */
  static List<String> trainable(OnnxModel model) {
    List<String> names = new ArrayList<>();
    for (TensorProto proto : model.graph().getInitializerList()) {
      if (!proto.getName().contains(".running_")) {
        names.add(proto.getName());
      }
    }
    return names;
  }
}
