package dev.acclimate.models;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes ONNX nodes one operator at a time, in the form that the model's operator set asks for
 * (axes moved from attributes to inputs over the years). Each method takes tensor names and returns
 * the name of its result; results are float32 unless said otherwise.
 */
public final class OperatorWriter {
  private final GraphEditor editor;
  private final String prefix;
  private final long opset;
  private final List<NodeProto> nodes = new ArrayList<>();
  private final Map<String, String> unreshaped = new HashMap<>();

  OperatorWriter(GraphEditor editor, String prefix) {
    this.editor = editor;
    this.prefix = prefix;
    this.opset = editor.model().opset();
  }

  /** What was written so far, in an order that runs. */
  public List<NodeProto> nodes() {
    return List.copyOf(nodes);
  }

  public String add(String a, String b) {
    return node("Add", a, b);
  }

  public String sub(String a, String b) {
    return node("Sub", a, b);
  }

  public String mul(String a, String b) {
    return node("Mul", a, b);
  }

  public String div(String a, String b) {
    return node("Div", a, b);
  }

  public String pow(String a, String b) {
    return node("Pow", a, b);
  }

  public String sqrt(String a) {
    return node("Sqrt", a);
  }

  public String max(String a, String b) {
    return node("Max", a, b);
  }

  public String matMul(String a, String b) {
    return node("MatMul", a, b);
  }

  public String relu(String a) {
    return node("Relu", a);
  }

  public String shape(String a) {
    return node("Shape", a);
  }

  /** Mean over all spatial axes: {@code [B, C, d1, ...]} to {@code [B, C, 1, ...]}. */
  public String globalAveragePool(String a) {
    return node("GlobalAveragePool", a);
  }

  /** Softmax over the last axis of a matrix. */
  public String softmaxOfRows(String matrix) {
    return emit("Softmax", List.of(matrix), integer("axis", 1));
  }

  /** {@code factor * a b^T} of two matrices: {@code [a, n], [b, n]} to {@code [a, b]}. */
  public String matMulTransposed(float factor, String a, String b) {
    // the addend is optional from operator set 11 on
    List<String> inputs = opset >= 11 ? List.of(a, b) : List.of(a, b, constant(0f));
    return emit("Gemm", inputs, integer("transB", 1), number("alpha", factor));
  }

  /** {@code a^T b + c} of matrices: {@code [n, a], [n, b], [a, b]} to {@code [a, b]}. */
  public String transposedMatMulPlus(String a, String b, String c) {
    return emit("Gemm", List.of(a, b, c), integer("transA", 1));
  }

  /** {@code factor * a b + part * c} of {@code [a, n], [n, b], [a, b]} to {@code [a, b]}. */
  public String matMulPlus(float factor, String a, String b, float part, String c) {
    return emit("Gemm", List.of(a, b, c), number("alpha", factor), number("beta", part));
  }

  public String transpose(String a, long... permutation) {
    return emit("Transpose", List.of(a), integers("perm", permutation));
  }

  /** Reshapes; 0 keeps a size, -1 infers one. */
  public String reshape(String a, long... shape) {
    boolean keeps = Arrays.stream(shape).anyMatch(size -> size == 0);
    return keeps ? node("Reshape", a, constant(shape)) : reshapeTo(a, constant(shape));
  }

  /** Reshapes to a shape that is an int64 tensor itself, without zeros that keep sizes. */
  public String reshapeTo(String a, String shape) {
    // one at a time: ONNX Runtime joins them too, but stumbles over shapes that it cannot infer
    String result = node("Reshape", unreshaped.getOrDefault(a, a), shape);
    unreshaped.put(result, unreshaped.getOrDefault(a, a));
    return result;
  }

  /** Inserts an axis of size 1. */
  public String unsqueeze(String a, int axis) {
    return opset >= 13
        ? node("Unsqueeze", a, constant(new long[] {axis}))
        : emit("Unsqueeze", List.of(a), integers("axes", axis));
  }

  public String expandTo(String a, String shape) {
    return node("Expand", a, shape);
  }

  public String identity(String a) {
    return node("Identity", a);
  }

  public String castToFloat(String a) {
    return emit("Cast", List.of(a), integer("to", TensorProto.DataType.FLOAT.getNumber()));
  }

  /** Entries of {@code a} along its first axis. */
  public String gather(String a, long... indices) {
    return node("Gather", a, constant(indices));
  }

  public String concat(int axis, List<String> parts) {
    return parts.size() == 1
        ? identity(parts.get(0))
        : emit("Concat", parts, integer("axis", axis));
  }

  /** {@code a} cut along an axis into parts of the given sizes. */
  public List<String> split(String a, int axis, long... sizes) {
    if (sizes.length == 1) {
      return List.of(identity(a));
    }
    return opset >= 13
        ? emitAll(sizes.length, "Split", List.of(a, constant(sizes)), integer("axis", axis))
        : emitAll(
            sizes.length, "Split", List.of(a), integer("axis", axis), integers("split", sizes));
  }

  /** Zeros around {@code a}: sizes before each axis, then after each (operator set 11 on). */
  public String pad(String a, long... pads) {
    return node("Pad", a, constant(pads));
  }

  /** {@code a[starts:ends:steps]} along the given axes (operator set 10 on). */
  public String slice(String a, long[] axes, long[] starts, long[] ends, long[] steps) {
    return node("Slice", a, constant(starts), constant(ends), constant(axes), constant(steps));
  }

  public String reduceMean(String a, boolean keepDims, long... axes) {
    return reduce("ReduceMean", a, keepDims, opset >= 18, axes);
  }

  public String reduceSum(String a, boolean keepDims, long... axes) {
    return reduce("ReduceSum", a, keepDims, opset >= 13, axes);
  }

  /** The same over axes that are an int64 tensor (operator set 13 on). */
  public String reduceSumOver(String a, boolean keepDims, String axes) {
    return emit("ReduceSum", List.of(a, axes), integer("keepdims", keepDims ? 1 : 0));
  }

  /** Maximum over axes, which go. */
  public String reduceMax(String a, long... axes) {
    return reduce("ReduceMax", a, false, opset >= 18, axes);
  }

  public String reduceL2(String a, boolean keepDims, long... axes) {
    return reduce("ReduceL2", a, keepDims, opset >= 18, axes);
  }

  public String reduceSumSquare(String a, boolean keepDims, long... axes) {
    return reduce("ReduceSumSquare", a, keepDims, opset >= 18, axes);
  }

  public String reduceProd(String a, boolean keepDims, long... axes) {
    return reduce("ReduceProd", a, keepDims, opset >= 18, axes);
  }

  private String reduce(
      String operator, String a, boolean keepDims, boolean axesAreInput, long... axes) {
    AttributeProto keep = integer("keepdims", keepDims ? 1 : 0);
    return axesAreInput
        ? emit(operator, List.of(a, constant(axes)), keep)
        : emit(operator, List.of(a), keep, integers("axes", axes));
  }

  /** Version of the operator set that the nodes are written for. */
  public long opset() {
    return opset;
  }

  /** Any operator of the default domain with one result. */
  public String node(String operator, String... inputs) {
    return emit(operator, List.of(inputs));
  }

  /** Any operator of the default domain with one result and attributes. */
  public String emit(String operator, List<String> inputs, AttributeProto... attributes) {
    String output = editor.freshName(prefix + operator);
    emitTo(output, operator, inputs, attributes);
    return output;
  }

  /** Any operator of the default domain with several results. */
  public List<String> emitAll(
      int results, String operator, List<String> inputs, AttributeProto... attributes) {
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < results; i++) {
      outputs.add(editor.freshName(prefix + operator));
    }
    add(outputs, operator, inputs, attributes);
    return outputs;
  }

  /** Any operator of the default domain, its result under a given name. */
  public void emitTo(
      String output, String operator, List<String> inputs, AttributeProto... attributes) {
    add(List.of(output), operator, inputs, attributes);
  }

  private void add(
      List<String> outputs, String operator, List<String> inputs, AttributeProto... attributes) {
    nodes.add(
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(editor.freshName(prefix + operator + "/node"))
            .addAllInput(inputs)
            .addAllOutput(outputs)
            .addAllAttribute(List.of(attributes))
            .build());
  }

  /** An operator of another domain with one result. */
  public String emitIn(
      String domain, String operator, List<String> inputs, Collection<AttributeProto> attributes) {
    return emit(
        NodeProto.newBuilder()
            .setDomain(domain)
            .setOpType(operator)
            .addAllInput(inputs)
            .addAllAttribute(attributes));
  }

  /** A node that lacks only its name and that of its one result. */
  public String emit(NodeProto.Builder node) {
    String output = editor.freshName(prefix + node.getOpType());
    add(node.setName(editor.freshName(output + "/node")).addOutput(output).build());
    return output;
  }

  /** A node as it is. */
  public void add(NodeProto node) {
    nodes.add(node);
  }

  /** A tensor under another name. */
  public void alias(String output, String a) {
    emitTo(output, "Identity", List.of(a));
  }

  public String constant(float value) {
    return editor.constant(prefix + "constant", Constants.tensor(new float[] {value}));
  }

  public String constant(float[] values, long... shape) {
    return editor.constant(prefix + "constant", Constants.tensor(values, shape));
  }

  /** A constant tensor of equal numbers. */
  public String filled(float number, long... shape) {
    float[] values = new float[Math.toIntExact(Tensor.elements(shape))];
    Arrays.fill(values, number);
    return constant(values, shape);
  }

  /** An int64 vector. */
  public String constant(long... values) {
    return editor.constant(prefix + "constant", Constants.tensor(values));
  }

  /** An int64 scalar. */
  public String integerScalar(long value) {
    return editor.constant(
        prefix + "constant", Constants.tensor(new long[] {value}).toBuilder().clearDims().build());
  }

  public static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  public static AttributeProto text(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  public static AttributeProto number(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  public static AttributeProto integers(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  public static AttributeProto numbers(String name, List<Float> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOATS)
        .addAllFloats(values)
        .build();
  }
}
