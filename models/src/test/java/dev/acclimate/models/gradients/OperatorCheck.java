package dev.acclimate.models.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Backpropagation.Normalization;
import dev.acclimate.models.gradients.Reference.Array;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * Compares one operator's gradients, as ONNX Runtime computes them, with central differences of its
 * double-precision forward pass. The loss is the result's sum weighted at random.
 */
final class OperatorCheck {
  private final RandomGenerator random;
  private final Map<String, Array> inputs = new LinkedHashMap<>();
  private final NodeProto.Builder node = NodeProto.newBuilder().setName("the node");
  private Normalization normalization = Normalization.FROZEN;
  private boolean anyBatch = true;

  OperatorCheck(RandomGenerator random, String operator) {
    this.random = random;
    node.setOpType(operator).addOutput("y");
  }

  OperatorCheck input(String name, Array value) {
    inputs.put(name, value);
    node.addInput(name);
    return this;
  }

  OperatorCheck attribute(AttributeProto attribute) {
    node.addAttribute(attribute);
    return this;
  }

  OperatorCheck normalizing(Normalization by) {
    normalization = by;
    return this;
  }

  /** Declares the first axes of inputs with their sizes rather than as a symbol. */
  OperatorCheck fixedShapes() {
    anyBatch = false;
    return this;
  }

  /** Checks the gradients of {@code parameters}, among the inputs; the others stay constant. */
  void gradientsMatch(Function<Map<String, Array>, Array> forward, String... parameters) {
    Array weights = Array.random(random, forward.apply(inputs).shape());
    Map<String, Array> feeds = new LinkedHashMap<>(inputs);
    feeds.put("weights", weights);
    Map<String, float[]> found = run(feeds, weights, List.of(parameters));
    for (String parameter : parameters) {
      double[] expected =
          Reference.centralDifferences(
              ignored -> dot(forward.apply(inputs), weights),
              Objects.requireNonNull(inputs.get(parameter)));
      float[] actual = Objects.requireNonNull(found.get(parameter));
      assertThat(actual).as(parameter).hasSameSizeAs(expected);
      double largest = 1;
      for (double value : expected) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) actual[i])
            .as("gradient of %s at %d in %s", parameter, i, node)
            .isCloseTo(expected[i], within(2e-4 * largest));
      }
    }
  }

  private static double dot(Array a, Array b) {
    double sum = 0;
    for (int i = 0; i < a.values().length; i++) {
      sum += a.values()[i] * b.values()[i];
    }
    return sum;
  }

  private Map<String, float[]> run(
      Map<String, Array> feeds, Array weights, List<String> parameters) {
    GraphProto.Builder graph = GraphProto.newBuilder().setName("check");
    graph.addNode(node);
    feeds.forEach((name, value) -> graph.addInput(valueInfo(name, value)));
    ModelProto.Builder proto =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17));
    GraphEditor forward = new GraphEditor(OnnxModel.of(proto.setGraph(graph).build(), "check"));
    OperatorWriter write = forward.writer("loss/");
    String products = write.mul("y", "weights");
    long[] axes = new long[weights.shape().length];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = i;
    }
    String loss = write.reduceSum(products, false, axes);
    forward.append(write.nodes());
    forward.addOutput(loss, dev.acclimate.models.ElementType.FP32);
    GraphEditor backward = new GraphEditor(forward.build());
    Backpropagation pass = Backpropagation.append(backward, loss, parameters, normalization);
    backward.retainOutputs(java.util.Set.of());
    pass.gradients()
        .forEach(
            (parameter, gradient) ->
                backward.addOutput(
                    gradient,
                    ElementType.FP32,
                    Objects.requireNonNull(feeds.get(parameter)).longShape()));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    feeds.forEach((name, value) -> tensors.put(name, Tensor.of(value.floats(), value.longShape())));
    Map<String, float[]> found = new LinkedHashMap<>();
    try (ModelSession session =
        ModelSession.open(backward.build(), new SessionSettings(ExecutionProvider.CPU, 1))) {
      Map<String, Tensor> results = session.run(tensors);
      pass.gradients()
          .forEach(
              (parameter, gradient) ->
                  found.put(
                      parameter, Objects.requireNonNull(results.get(gradient)).toFloatArray()));
    }
    return found;
  }

  private ValueInfoProto valueInfo(String name, Array value) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (int axis = 0; axis < value.shape().length; axis++) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      if (axis == 0 && anyBatch && (name.startsWith("x") || name.equals("weights"))) {
        dimension.setDimParam("batch");
      } else {
        dimension.setDimValue(value.shape()[axis]);
      }
      shape.addDim(dimension);
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
