package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The gradient of a residual network's mean prediction entropy with respect to gamma and beta, its
 * normalizations taking their statistics from the batch: written down layer by layer in double
 * precision, as one would on paper, and sharing nothing with the rules that it is compared with.
 */
final class HandWrittenEntropyGradient {
  private final GraphProto graph;
  private final long opset;
  private final Map<String, PlainArray> tensors;
  private final Map<String, PlainArray> gradients = new HashMap<>();

  /**
   * @param tensors all tensors of a run
   */
  private HandWrittenEntropyGradient(
      GraphProto graph, long opset, Map<String, PlainArray> tensors) {
    this.graph = graph;
    this.opset = opset;
    this.tensors = tensors;
  }

  /** Gradients by tensor name. */
  static Map<String, PlainArray> of(
      GraphProto graph, long opset, Map<String, PlainArray> tensors, String logits) {
    HandWrittenEntropyGradient pass = new HandWrittenEntropyGradient(graph, opset, tensors);
    pass.entropy(logits);
    for (int i = graph.getNodeCount() - 1; i >= 0; i--) {
      NodeProto node = graph.getNode(i);
      if (pass.gradients.containsKey(node.getOutput(0))) {
        pass.walkBack(node);
      }
    }
    return pass.gradients;
  }

  private PlainArray tensor(String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  private PlainArray gradient(String name) {
    return Objects.requireNonNull(gradients.get(name), name);
  }

  private void add(String name, PlainArray part) {
    gradients.merge(name, part, (a, b) -> a.with(b, Double::sum));
  }

  /** {@code dH/dz_k = -p_k (log p_k + H)}, H each sample's entropy, over the batch size. */
  private void entropy(String logits) {
    PlainArray z = tensor(logits);
    int batch = z.shape()[0];
    int classes = z.shape()[1];
    PlainArray dz = new PlainArray(z.shape());
    for (int b = 0; b < batch; b++) {
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += Math.exp(z.at(b, k));
      }
      double entropy = 0;
      for (int k = 0; k < classes; k++) {
        double log = z.at(b, k) - Math.log(sum);
        entropy -= Math.exp(log) * log;
      }
      for (int k = 0; k < classes; k++) {
        double log = z.at(b, k) - Math.log(sum);
        dz.values()[b * classes + k] = -Math.exp(log) * (log + entropy) / batch;
      }
    }
    add(logits, dz);
  }

  private void walkBack(NodeProto node) {
    PlainArray dy = gradient(node.getOutput(0));
    String x = node.getInput(0);
    switch (node.getOpType()) {
      case "Gemm" -> linear(node, dy);
      case "Relu" -> add(x, dy.with(tensor(x), (d, v) -> v > 0 ? d : 0));
      case "Add" -> {
        add(x, dy);
        add(node.getInput(1), dy);
      }
      case "GlobalAveragePool", "AveragePool" -> average(x, dy);
      case "Flatten", "Reshape", "Slice", "Pad" -> moved(node, dy);
      case "BatchNormalization" -> normalization(node, dy);
      case "Conv" -> convolution(node, dy);
      default -> throw new IllegalArgumentException(node.getOpType());
    }
  }

  /** {@code z = x W^T + c}, the form of linear layers. */
  private void linear(NodeProto node, PlainArray dy) {
    PlainArray w = tensor(node.getInput(1));
    PlainArray dx = new PlainArray(tensor(node.getInput(0)).shape());
    for (int b = 0; b < dx.shape()[0]; b++) {
      for (int k = 0; k < w.shape()[0]; k++) {
        for (int j = 0; j < w.shape()[1]; j++) {
          dx.values()[dx.offset(b, j)] += dy.at(b, k) * w.at(k, j);
        }
      }
    }
    add(node.getInput(0), dx);
  }

  /** One mean per channel. */
  private void average(String x, PlainArray dy) {
    PlainArray dx = new PlainArray(tensor(x).shape());
    int places = dx.values().length / dy.values().length;
    Arrays.setAll(dx.values(), i -> dy.values()[i / places] / places);
    add(x, dx);
  }

  /**
   * Elements that change places: their numbers, sent through the node, tell where each came from.
   */
  private void moved(NodeProto node, PlainArray dy) {
    PlainArray dx = new PlainArray(tensor(node.getInput(0)).shape());
    PlainArray numbers = new PlainArray(dx.shape());
    Arrays.setAll(numbers.values(), i -> i + 1);
    Map<String, PlainArray> feeds = new HashMap<>(tensors);
    feeds.put(node.getInput(0), numbers);
    PlainGraph alone = new PlainGraph(GraphProto.newBuilder().addNode(node).build(), opset);
    PlainArray origin =
        Objects.requireNonNull(alone.run(feeds).get(node.getOutput(0)), node.getOutput(0));
    for (int i = 0; i < dy.values().length; i++) {
      int from = (int) origin.values()[i] - 1;
      if (from >= 0) { // else padding
        dx.values()[from] += dy.values()[i];
      }
    }
    add(node.getInput(0), dx);
  }

  /** Through the batch's mean and variance (Ioffe and Szegedy 2015, section 3). */
  private void normalization(NodeProto node, PlainArray dy) {
    PlainArray x = tensor(node.getInput(0));
    PlainArray gamma = tensor(node.getInput(1));
    int channels = x.shape()[1];
    int places = x.values().length / x.shape()[0] / channels;
    double count = (double) x.shape()[0] * places;
    double epsilon =
        node.getAttributeList().stream()
            .filter(a -> a.getName().equals("epsilon"))
            .mapToDouble(AttributeProto::getF)
            .findFirst()
            .orElse(1e-5f);
    PlainArray dx = new PlainArray(x.shape());
    PlainArray dGamma = new PlainArray(channels);
    PlainArray dBeta = new PlainArray(channels);
    for (int c = 0; c < channels; c++) {
      double mean = 0;
      for (int i = 0; i < x.values().length; i++) {
        mean += i / places % channels == c ? x.values()[i] / count : 0;
      }
      double variance = 0;
      for (int i = 0; i < x.values().length; i++) {
        double centred = x.values()[i] - mean;
        variance += i / places % channels == c ? centred * centred / count : 0;
      }
      double deviation = Math.sqrt(variance + epsilon);
      for (int i = 0; i < x.values().length; i++) {
        if (i / places % channels == c) {
          dBeta.values()[c] += dy.values()[i];
          dGamma.values()[c] += dy.values()[i] * (x.values()[i] - mean) / deviation;
        }
      }
      for (int i = 0; i < x.values().length; i++) {
        if (i / places % channels == c) {
          double scaled = (x.values()[i] - mean) / deviation;
          double rest = dy.values()[i] - (dBeta.values()[c] + scaled * dGamma.values()[c]) / count;
          dx.values()[i] = gamma.values()[c] / deviation * rest;
        }
      }
    }
    add(node.getInput(0), dx);
    add(node.getInput(1), dGamma);
    add(node.getInput(2), dBeta);
  }

  /** Each product of the forward pass once more, the other way round. */
  private void convolution(NodeProto node, PlainArray dy) {
    PlainArray x = tensor(node.getInput(0));
    PlainArray w = tensor(node.getInput(1));
    if (node.getInput(0).equals(graph.getInput(0).getName())) {
      return; // nothing to learn before it
    }
    int stride = (int) integers(node, "strides", 1);
    int pad = (int) integers(node, "pads", 0);
    PlainArray dx = new PlainArray(x.shape());
    int size = x.shape()[2];
    int kernel = w.shape()[2];
    for (int b = 0; b < x.shape()[0]; b++) {
      for (int o = 0; o < w.shape()[0]; o++) {
        for (int c = 0; c < w.shape()[1]; c++) {
          for (int k = 0; k < kernel; k++) {
            for (int l = 0; l < kernel; l++) {
              double weight = w.at(o, c, k, l);
              for (int i = 0; i < dy.shape()[2]; i++) {
                int row = i * stride + k - pad;
                if (row < 0 || row >= size) {
                  continue;
                }
                int from = dy.offset(b, o, i, 0);
                int to = dx.offset(b, c, row, 0);
                for (int j = 0; j < dy.shape()[3]; j++) {
                  int column = j * stride + l - pad;
                  if (column >= 0 && column < size) {
                    dx.values()[to + column] += weight * dy.values()[from + j];
                  }
                }
              }
            }
          }
        }
      }
    }
    add(node.getInput(0), dx);
  }

  /** The first number of a list whose numbers are all the same. */
  private static long integers(NodeProto node, String name, long byDefault) {
    return node.getAttributeList().stream()
        .filter(a -> a.getName().equals(name))
        .mapToLong(a -> a.getInts(0))
        .findFirst()
        .orElse(byDefault);
  }
}
