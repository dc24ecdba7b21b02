package dev.acclimate.models.gradients;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.gradients.Backpropagation.Normalization;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The gradient of a network's mean prediction entropy with respect to all gamma and beta, the
 * normalizations taking their statistics from the batch: TENT's.
 */
class WholeModelTest {
  private static final int BATCH = 4;

  private static <T> T of(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name), name);
  }

  private static PlainArray batch(OnnxModel model) {
    int[] shape =
        model.inputs().get(0).dimensions().stream()
            .mapToInt(d -> d.isFixed() ? Math.toIntExact(d.size()) : BATCH)
            .toArray();
    return PlainArray.random(new Random(7), shape);
  }

  /** What ONNX Runtime computes. */
  private static Map<String, PlainArray> gradients(
      OnnxModel model, Set<String> parameters, PlainArray x) {
    GraphEditor forward = new GraphEditor(model);
    OperatorWriter write = forward.writer("loss/");
    String logits = model.outputs().get(0).name();
    String log = write.emit("LogSoftmax", List.of(logits), OperatorWriter.integer("axis", 1));
    String terms = write.reduceSum(write.mul(write.node("Exp", log), log), false, 1);
    String loss = write.node("Neg", write.reduceMean(terms, false, 0));
    forward.append(write.nodes());
    GraphEditor backward = new GraphEditor(forward.build());
    Backpropagation pass = Backpropagation.append(backward, loss, parameters, Normalization.BATCH);
    Map<String, PlainArray> found = new LinkedHashMap<>();
    pass.gradients()
        .forEach((name, gradient) -> backward.addOutput(gradient, ElementType.FP32, -1));
    TensorInfo input = model.inputs().get(0);
    try (ModelSession session =
        ModelSession.open(backward.build(), new SessionSettings(ExecutionProvider.CPU, 1))) {
      Map<String, Tensor> results =
          session.run(Map.of(input.name(), Tensor.of(x.floats(), x.longShape())));
      for (String parameter : parameters) {
        Tensor gradient = of(results, of(pass.gradients(), parameter));
        PlainArray array = new PlainArray(Math.toIntExact(gradient.elements()));
        Arrays.setAll(array.values(), gradient.floats()::get);
        found.put(parameter, array);
      }
    }
    return found;
  }

  /** The network in training mode. */
  private static GraphProto training(OnnxModel model) {
    GraphProto.Builder graph = model.graph().toBuilder();
    for (NodeProto.Builder node : graph.getNodeBuilderList()) {
      if (node.getOpType().equals("BatchNormalization")) {
        List<ai.onnx.proto.OnnxMl.AttributeProto> kept =
            node.getAttributeList().stream()
                .filter(a -> !a.getName().equals("training_mode"))
                .toList();
        node.clearAttribute()
            .addAllAttribute(kept)
            .addAttribute(OperatorWriter.integer("training_mode", 1));
      }
    }
    return graph.build();
  }

  private static double meanEntropy(PlainArray logits) {
    double sum = 0;
    int classes = logits.shape()[1];
    for (int b = 0; b < logits.shape()[0]; b++) {
      double partition = 0;
      for (int k = 0; k < classes; k++) {
        partition += Math.exp(logits.at(b, k));
      }
      for (int k = 0; k < classes; k++) {
        double log = logits.at(b, k) - Math.log(partition);
        sum -= Math.exp(log) * log;
      }
    }
    return sum / logits.shape()[0];
  }

  @ParameterizedTest
  @EnumSource
  void entropyGradientEqualsTheHandWrittenOne(Network network) {
    OnnxModel model = network.read();
    Set<String> parameters = Network.affine(model);
    PlainArray x = batch(model);
    GraphProto graph = training(model);
    Map<String, PlainArray> tensors =
        new PlainGraph(graph, model.opset()).run(Map.of(model.inputs().get(0).name(), x));
    Map<String, PlainArray> expected =
        HandWrittenEntropyGradient.of(graph, model.opset(), tensors, model.outputs().get(0).name());

    Map<String, PlainArray> found = gradients(model, parameters, x);

    assertThat(found.keySet()).isEqualTo(parameters).isNotEmpty();
    double largest = 0;
    for (String parameter : parameters) {
      largest = Math.max(largest, of(expected, parameter).norm());
    }
    for (String parameter : parameters) {
      PlainArray one = of(expected, parameter);
      double off = of(found, parameter).with(one, (a, b) -> a - b).norm();
      // the smallest gradients are sums of much larger terms
      assertThat(off).as(parameter).isLessThan(1e-4 * one.norm() + 1e-6 * largest);
    }
  }

  @ParameterizedTest
  @EnumSource
  void entropyGradientPredictsTheChangeOfTheEntropy(Network network) {
    OnnxModel model = network.read();
    Set<String> parameters = Network.affine(model);
    PlainArray x = batch(model);
    PlainGraph plain = new PlainGraph(training(model), model.opset());
    Map<String, PlainArray> gradients = gradients(model, parameters, x);
    double norm = Math.sqrt(gradients.values().stream().mapToDouble(g -> g.dot(g)).sum());
    Random random = new Random(3);
    for (int trial = 0; trial < 3; trial++) {
      Map<String, PlainArray> direction = new HashMap<>();
      double predicted = 0;
      double length = 0;
      for (String parameter : parameters) {
        PlainArray part = PlainArray.random(random, of(gradients, parameter).shape());
        direction.put(parameter, part);
        predicted += part.dot(of(gradients, parameter));
        length += part.dot(part);
      }
      double step = 1e-7;
      double above = moved(model, plain, x, direction, step);
      double below = moved(model, plain, x, direction, -step);
      double slope = (above - below) / (2 * step);
      // a direction at random meets the gradient at about a right angle
      assertThat(Math.abs(predicted - slope))
          .as("predicted %s, found %s", predicted, slope)
          .isLessThan(1e-4 * norm * Math.sqrt(length) / Math.sqrt(gradients.size()));
    }
  }

  private static double moved(
      OnnxModel model,
      PlainGraph plain,
      PlainArray x,
      Map<String, PlainArray> direction,
      double step) {
    Map<String, PlainArray> feeds = new HashMap<>();
    feeds.put(model.inputs().get(0).name(), x);
    direction.forEach(
        (parameter, part) ->
            feeds.put(parameter, plain.constant(parameter).with(part, (v, d) -> v + step * d)));
    return meanEntropy(of(plain.run(feeds), model.outputs().get(0).name()));
  }

  /** Nothing on the way back beyond the first convolution, and no gradient of a weight. */
  @Test
  void computesNothingForWeightsThatAreNotLearnt() {
    OnnxModel model = Network.BUILTIN.read();
    GraphEditor forward = new GraphEditor(model);
    OperatorWriter write = forward.writer("loss/");
    String loss = write.reduceMean(model.outputs().get(0).name(), false, 0, 1);
    forward.append(write.nodes());
    GraphEditor backward = new GraphEditor(forward.build());
    Backpropagation.append(backward, loss, Network.affine(model), Normalization.BATCH);
    List<NodeProto> nodes = backward.build().graph().getNodeList();

    long before = model.graph().getNodeList().stream().filter(WholeModelTest::convolves).count();
    long after = nodes.stream().filter(WholeModelTest::convolves).count();
    assertThat(after - before).isEqualTo(before - 1);
    assertThat(nodes).extracting(NodeProto::getOpType).doesNotContain("MatMul");
  }

  private static boolean convolves(NodeProto node) {
    return node.getOpType().startsWith("Conv");
  }
}
