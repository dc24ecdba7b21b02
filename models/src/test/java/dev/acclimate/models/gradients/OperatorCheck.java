package dev.acclimate.models.gradients;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * Compares one operator's gradients, as ONNX Runtime computes them in float32, with central
 * differences of its double-precision forward pass, which in turn is compared with ONNX Runtime's.
 * The loss is the sum of all results, weighted at random.
 */
final class OperatorCheck {
  private static final double STEP = 1e-5;

  /** Of the norm of the difference to the norm of what is expected. */
  private static final double TOLERANCE = 1e-4;

  /** What may be lost where terms of the order of the weights cancel, to the weights' norm. */
  private static final double CANCELLATION = 1e-6;

  private final RandomGenerator random;
  private final Map<String, PlainArray> inputs = new LinkedHashMap<>();
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("check");
  private final NodeProto.Builder node = NodeProto.newBuilder().setName("the node");
  private final List<String> outputs = new ArrayList<>(List.of("y"));
  private final List<String> open = new ArrayList<>();
  private Normalization normalization = Normalization.FROZEN;
  private final List<String> unused = new ArrayList<>();
  private final List<AttributeProto> plainOnly = new ArrayList<>();
  private boolean fixedBatch;
  private boolean unknown;
  private long opset = 17;

  OperatorCheck(RandomGenerator random, String operator) {
    this.random = random;
    node.setOpType(operator);
  }

  OperatorCheck opset(long version) {
    opset = version;
    return this;
  }

  /** The node's next input. */
  OperatorCheck input(String name, PlainArray value) {
    inputs.put(name, value);
    return reuse(name);
  }

  /** An earlier input once more, or none. */
  OperatorCheck reuse(String name) {
    node.addInput(name);
    return this;
  }

  /** The node's next input as an int64 vector in the graph. */
  OperatorCheck constant(String name, int... values) {
    return constant(name, new PlainArray(new int[] {values.length}), values);
  }

  /** The node's next input as an int64 tensor in the graph. */
  OperatorCheck constant(String name, PlainArray shaped, int... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.INT64.getNumber())
            .addAllDims(Arrays.stream(shaped.longShape()).boxed().toList());
    Arrays.stream(values).forEach(tensor::addInt64Data);
    graph.addInitializer(tensor);
    return reuse(name);
  }

  /** An int64 input fed at run time. */
  OperatorCheck indices(String name, PlainArray values) {
    inputs.put(name, values);
    open.add(name);
    return reuse(name);
  }

  /** The node's next input as a bool tensor in the graph. */
  OperatorCheck truths(String name, PlainArray values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.BOOL.getNumber())
            .addAllDims(Arrays.stream(values.longShape()).boxed().toList());
    Arrays.stream(values.ints()).forEach(tensor::addInt32Data);
    graph.addInitializer(tensor);
    return reuse(name);
  }

  OperatorCheck attribute(AttributeProto attribute) {
    node.addAttribute(attribute);
    return this;
  }

  /** Names of the node's outputs, in place of {@code y} alone. */
  OperatorCheck outputs(String... names) {
    outputs.clear();
    outputs.addAll(List.of(names));
    return this;
  }

  /** Outputs that are not in the loss. */
  OperatorCheck leavingOut(String... outputNames) {
    unused.addAll(List.of(outputNames));
    return this;
  }

  /** An attribute that only the plain form of the node has. */
  OperatorCheck plainAttribute(AttributeProto attribute) {
    plainOnly.add(attribute);
    return this;
  }

  OperatorCheck normalizing(Normalization by) {
    normalization = by;
    return this;
  }

  /**
   * Whether the first axes of inputs named {@code x..} are declared with their sizes rather than as
   * the symbol {@code batch}.
   */
  OperatorCheck fixedShapes(boolean fixed) {
    fixedBatch = fixed;
    return this;
  }

  /** Leaves all axes of inputs named {@code x..} undeclared. */
  OperatorCheck unknownShapes() {
    unknown = true;
    return this;
  }

  /** Checks the gradients of {@code parameters}, among the inputs; the others stay constant. */
  void gradientsMatch(String... parameters) {
    outputs.forEach(node::addOutput);
    GraphProto.Builder plainForm = graph.clone();
    plainForm.addNode(node.clone().addAllAttribute(plainOnly));
    PlainGraph plain = new PlainGraph(plainForm.build(), opset);
    graph.addNode(node);
    Map<String, PlainArray> expectedResults = plain.run(inputs);
    Map<String, PlainArray> weights = new LinkedHashMap<>();
    for (String output : outputs) {
      if (!unused.contains(output)) {
        int[] shape = of(expectedResults, output).shape();
        weights.put(output, PlainArray.random(random, shape));
      }
    }
    double scale = 0;
    for (PlainArray weight : weights.values()) {
      scale += weight.norm();
    }
    Map<String, PlainArray> found = run(weights, List.of(parameters));
    for (String output : weights.keySet()) {
      assertClose(output, of(found, output), of(expectedResults, output), 1e-6);
    }
    for (String parameter : parameters) {
      PlainArray expected = differences(plain, weights, of(inputs, parameter));
      assertClose(
          "gradient of " + parameter,
          of(found, "gradient of " + parameter),
          expected,
          CANCELLATION * scale);
    }
  }

  private void assertClose(String what, PlainArray found, PlainArray expected, double floor) {
    assertThat(found.shape()).as(what).isEqualTo(expected.shape());
    double off = found.with(expected, (a, b) -> a - b).norm();
    assertThat(off)
        .as(
            "%s in %s: expected %s, found %s",
            what, node, Arrays.toString(expected.values()), Arrays.toString(found.values()))
        .isLessThanOrEqualTo(TOLERANCE * expected.norm() + floor);
  }

  private static <T> T of(Map<String, T> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  /** Central differences of the weighted sum, one element after another. */
  private PlainArray differences(
      PlainGraph plain, Map<String, PlainArray> weights, PlainArray parameter) {
    PlainArray slopes = new PlainArray(parameter.shape());
    for (int i = 0; i < slopes.values().length; i++) {
      double kept = parameter.values()[i];
      parameter.values()[i] = kept + STEP;
      double above = loss(plain, weights);
      parameter.values()[i] = kept - STEP;
      double below = loss(plain, weights);
      parameter.values()[i] = kept;
      slopes.values()[i] = (above - below) / (2 * STEP);
    }
    return slopes;
  }

  private double loss(PlainGraph plain, Map<String, PlainArray> weights) {
    Map<String, PlainArray> tensors = plain.run(inputs);
    double sum = 0;
    for (Map.Entry<String, PlainArray> weight : weights.entrySet()) {
      sum += weight.getValue().dot(of(tensors, weight.getKey()));
    }
    return sum;
  }

  /** ONNX Runtime's results, and gradients under {@code gradient of ...}. */
  private Map<String, PlainArray> run(Map<String, PlainArray> weights, List<String> parameters) {
    inputs.forEach((name, value) -> graph.addInput(valueInfo(name, value)));
    weights.forEach((name, value) -> graph.addInput(valueInfo("weights of " + name, value)));
    ModelProto.Builder proto =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset));
    GraphEditor forward = new GraphEditor(OnnxModel.of(proto.setGraph(graph).build(), "check"));
    OperatorWriter write = forward.writer("loss/");
    String loss = null;
    for (Map.Entry<String, PlainArray> weight : weights.entrySet()) {
      // a product that broadcasts nothing, whatever is known of the shapes
      String row = write.reshape(weight.getKey(), 1, -1);
      String column = write.reshape("weights of " + weight.getKey(), -1, 1);
      String sum = write.reshape(write.matMul(row, column));
      loss = loss == null ? sum : write.add(loss, sum);
    }
    forward.append(write.nodes());
    forward.addOutput(Objects.requireNonNull(loss), ElementType.FP32);
    GraphEditor backward = new GraphEditor(forward.build());
    Backpropagation pass = Backpropagation.append(backward, loss, parameters, normalization);
    Map<String, String> answers = new LinkedHashMap<>();
    OperatorWriter aliases = backward.writer("");
    for (String parameter : parameters) {
      // a gradient may be one of the graph's inputs or outputs already
      String gradient = aliases.identity(of(pass.gradients(), parameter));
      backward.addOutput(gradient, ElementType.FP32, of(inputs, parameter).longShape());
      answers.put("gradient of " + parameter, gradient);
    }
    weights.forEach(
        (output, weight) -> {
          String result = aliases.identity(output);
          backward.addOutput(result, ElementType.FP32, weight.longShape());
          answers.put(output, result);
        });
    backward.append(aliases.nodes());
    return results(backward.build(), weights, answers);
  }

  private Map<String, PlainArray> results(
      OnnxModel model, Map<String, PlainArray> weights, Map<String, String> answers) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    inputs.forEach((name, value) -> feeds.put(name, tensor(name, value)));
    weights.forEach((name, value) -> feeds.put("weights of " + name, tensor("", value)));
    Map<String, PlainArray> found = new LinkedHashMap<>();
    try (ModelSession session =
        ModelSession.open(model, new SessionSettings(ExecutionProvider.CPU, 1))) {
      Map<String, Tensor> results = session.run(feeds);
      answers.forEach(
          (what, output) -> {
            Tensor result = of(results, output);
            int[] shape = Arrays.stream(result.shape()).mapToInt(Math::toIntExact).toArray();
            PlainArray array = new PlainArray(shape);
            Arrays.setAll(array.values(), result.floats()::get);
            found.put(what, array);
          });
    }
    return found;
  }

  private Tensor tensor(String name, PlainArray value) {
    if (!open.contains(name)) {
      return Tensor.of(value.floats(), value.longShape());
    }
    Tensor integers = Tensor.allocate(ElementType.INT64, value.longShape());
    for (int i = 0; i < value.values().length; i++) {
      integers.longs().put(i, (long) value.values()[i]);
    }
    return integers;
  }

  private ValueInfoProto valueInfo(String name, PlainArray value) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (int axis = 0; axis < value.rank(); axis++) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      if (axis == 0 && !fixedBatch && name.startsWith("x")) {
        dimension.setDimParam("batch");
      } else if (!unknown || !name.startsWith("x")) {
        dimension.setDimValue(value.shape()[axis]);
      }
      shape.addDim(dimension);
    }
    TensorProto.DataType type =
        open.contains(name) ? TensorProto.DataType.INT64 : TensorProto.DataType.FLOAT;
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }
}
