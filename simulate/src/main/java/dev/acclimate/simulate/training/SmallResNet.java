package dev.acclimate.simulate.training;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Residual networks for small images as of He et al. 2016 (CVPR), section 4.2, with a projection
 * where the shape changes: a stem, three stages, a linear layer; and the same for time series, with
 * kernels along time alone. Nodes and parameters are named as torchvision names them ({@code
 * layer1.0.bn1}, {@code layer1.0.bn1.weight}).
 */
final class SmallResNet {
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
  private final NetworkLayers layers;

  private SmallResNet(Architecture architecture, NetworkLayers layers) {
    this.architecture = architecture;
    this.layers = layers;
  }

  /**
   * An untrained network with weights drawn as of He et al. 2015 (ICCV).
   *
   * @param blocks residual blocks per stage: 1 gives ResNet-8, 2 ResNet-14, 3 ResNet-20
   */
  static OnnxModel create(Architecture architecture, int blocks, int classes, long seed) {
    SeededRandom random = SeededRandom.of(seed, "weights".hashCode());
    String name = "resnet" + (6 * blocks + 2);
    NetworkLayers layers = new NetworkLayers(name, random, architecture.shape(), classes);
    return new SmallResNet(architecture, layers).build(blocks, classes);
  }

  private OnnxModel build(int blocks, int classes) {
    int channels = architecture.widths().get(0);
    String x =
        convolution(
            "conv1",
            NetworkLayers.INPUT,
            architecture.channels(),
            channels,
            architecture.kernel(),
            1);
    x = layers.relu("relu", layers.normalization("bn1", x, channels));
    for (int stage = 0; stage < architecture.widths().size(); stage++) {
      int width = architecture.widths().get(stage);
      for (int block = 0; block < blocks; block++) {
        int stride = stage > 0 && block == 0 ? 2 : 1;
        x = block("layer" + (stage + 1) + "." + block, x, channels, width, stride);
        channels = width;
      }
    }
    x = layers.node("GlobalAveragePool", "avgpool", List.of(x));
    x = layers.node("Flatten", "flatten", List.of(x));
    layers.logits(x, channels, classes);
    return layers.build();
  }

  private String block(String name, String x, int inputs, int outputs, int stride) {
    int kernel = architecture.kernel();
    String path = convolution(name + ".conv1", x, inputs, outputs, kernel, stride);
    path = layers.relu(name + ".relu1", layers.normalization(name + ".bn1", path, outputs));
    path = convolution(name + ".conv2", path, outputs, outputs, kernel, 1);
    path = layers.normalization(name + ".bn2", path, outputs);
    String shortcut = x;
    if (stride != 1 || inputs != outputs) {
      shortcut = convolution(name + ".downsample.0", x, inputs, outputs, 1, stride);
      shortcut = layers.normalization(name + ".downsample.1", shortcut, outputs);
    }
    return layers.relu(name + ".relu2", layers.node("Add", name + ".add", List.of(path, shortcut)));
  }

  private String convolution(
      String name, String x, int inputs, int outputs, int kernel, int stride) {
    int axes = architecture.axes().size();
    long[] window = repeated(kernel, axes);
    double deviation = Math.sqrt(2.0 / (outputs * Tensor.elements(window))); // fan out
    long[] shape =
        LongStream.concat(LongStream.of(outputs, inputs), LongStream.of(window)).toArray();
    String weight = layers.gaussian(name + ".weight", deviation, shape);
    return layers.node(
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
}
