package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Constants;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** One node on the way back: what its rule reads, and where it leaves what it found. */
final class NodeGradient {
  private final Backpropagation pass;
  private final NodeProto node;

  NodeGradient(Backpropagation pass, NodeProto node) {
    this.pass = pass;
    this.node = node;
  }

  /** Writes the backward nodes. */
  OperatorWriter write() {
    return pass.write();
  }

  /** The model's constants. */
  Constants constants() {
    return pass.constants();
  }

  /** The gradient of the node's first output, in its shape. */
  String gradient() {
    return Objects.requireNonNull(gradient(0), output());
  }

  /** The gradient of one of the node's outputs, null where it does not move the loss. */
  @Nullable String gradient(int output) {
    return pass.gradient(node.getOutput(output));
  }

  /**
   * The gradient of the node's first output, perhaps in a shape that only broadcasts to the
   * output's: for products with a tensor that has the output's shape.
   */
  String compactGradient() {
    return Objects.requireNonNull(pass.compactGradient(output()), output());
  }

  String input(int index) {
    return node.getInput(index);
  }

  int inputs() {
    return node.getInputCount();
  }

  boolean hasInput(int index) {
    return index < node.getInputCount() && !node.getInput(index).isEmpty();
  }

  String output() {
    return node.getOutput(0);
  }

  String output(int index) {
    return node.getOutput(index);
  }

  int outputs() {
    return node.getOutputCount();
  }

  /** True where the input's gradient leads to a chosen parameter. */
  boolean wants(int index) {
    return hasInput(index) && pass.carriesGradient(node.getInput(index));
  }

  /** Adds a contribution to an input's gradient, of the input's shape. */
  void give(int index, String contribution) {
    pass.contribute(node.getInput(index), contribution, false);
  }

  /** Adds a contribution that has the input's shape only after broadcasting. */
  void giveCompact(int index, String contribution) {
    pass.contribute(node.getInput(index), contribution, true);
  }

  TensorInfo shape(String tensor) {
    return pass.shape(tensor);
  }

  List<Dimension> dimensions(String tensor) {
    return pass.shape(tensor).dimensions();
  }

  /** A tensor's shape as an int64 vector. */
  String shapeOf(String tensor) {
    return pass.shapeOf(tensor);
  }

  /** What the batch measured in place of a BatchNormalization's statistics, null where frozen. */
  @Nullable MeasuredBatch measured() {
    return pass.measured(node);
  }

  long integer(String name, long byDefault) {
    return NodeAttributes.integer(node, name, byDefault);
  }

  float decimal(String name, float byDefault) {
    return NodeAttributes.decimal(node, name, byDefault);
  }

  String text(String name, String byDefault) {
    return NodeAttributes.text(node, name, byDefault);
  }

  /** A list attribute, or {@code count} times a value where the node leaves it out. */
  long[] integers(String name, int count, long byDefault) {
    return NodeAttributes.integers(node, name)
        .orElseGet(() -> LongStream.generate(() -> byDefault).limit(count).toArray());
  }

  List<AttributeProto> attributes() {
    return node.getAttributeList();
  }

  @Nullable AttributeProto attribute(String name) {
    return NodeAttributes.find(node, name).orElse(null);
  }

  /** The refusal of this node, for example "stride 2 over an axis of unknown size". */
  InvalidInputException unsupported(String what) {
    return Backpropagation.noRule(node, what);
  }

  /** An axis counted from the front, where negative ones count from the end. */
  static int axis(long axis, int rank) {
    return Math.toIntExact(axis < 0 ? axis + rank : axis);
  }

  /**
   * A tensor in the shape of another with as many elements, at no cost where no more than one size
   * is unknown.
   */
  String reshapeLike(String tensor, String model) {
    List<Dimension> dimensions = dimensions(model);
    long unknown = dimensions.stream().filter(d -> !d.isFixed()).count();
    boolean empty = dimensions.stream().anyMatch(d -> d.size() == 0);
    return unknown <= 1 && !empty
        ? write().reshape(tensor, dimensions.stream().mapToLong(Dimension::size).toArray())
        : write().reshapeTo(tensor, shapeOf(model));
  }

  /** Elements along these axes of a tensor, a float32 scalar. */
  String elements(String tensor, int... axes) {
    return pass.elements(tensor, axes);
  }

  /**
   * A contribution's sum over the axes along which an input was repeated to the result's shape, so
   * that it has the input's shape again.
   */
  String unbroadcast(String contribution, String input) {
    return unbroadcast(contribution, dimensions(output()), input, dimensions(input), 0);
  }

  /**
   * The same between given shapes.
   *
   * @param from sizes of the contribution
   * @param input a tensor of the sizes {@code to}, asked only where they are unknown
   * @param fixedAxes how many of the last axes are the same in both
   */
  String unbroadcast(
      String contribution, List<Dimension> from, String input, List<Dimension> to, int fixedAxes) {
    int lead = from.size() - to.size();
    List<Long> axes = new ArrayList<>();
    for (int axis = 0; axis < from.size() - fixedAxes; axis++) {
      Dimension wide = from.get(axis);
      Dimension narrow = axis < lead ? Dimension.fixed(1) : to.get(axis - lead);
      if (axis < lead || (narrow.isFixed() && narrow.size() == 1 && !wide.equals(narrow))) {
        axes.add((long) axis);
      } else if (!narrow.isFixed() && (!narrow.equals(wide) || narrow.symbol().isEmpty())) {
        return unbroadcastAtRunTime(contribution, input, lead);
      }
    }
    if (axes.isEmpty()) {
      return contribution;
    }
    long[] summed = axes.stream().mapToLong(Long::longValue).toArray();
    if (lead == summed.length) {
      return write().reduceSum(contribution, false, summed);
    }
    String sum = write().reduceSum(contribution, true, summed);
    return lead == 0 ? sum : write().reshapeTo(sum, shapeOf(input));
  }

  /** The same where only the run tells which axes were repeated: those whose sizes differ. */
  private String unbroadcastAtRunTime(String contribution, String input, int lead) {
    OperatorWriter write = write();
    if (write.opset() < 13) {
      throw unsupported(
          "broadcasting over axes of unknown size, " + shape(input) + ", before operator set 13");
    }
    String shape = shapeOf(input);
    long[] ones = new long[lead];
    Arrays.fill(ones, 1);
    String padded = lead == 0 ? shape : write.concat(0, List.of(write.constant(ones), shape));
    String differs = write.node("Not", write.node("Equal", padded, write.shape(contribution)));
    String axes = write.reshape(write.node("NonZero", differs), -1);
    String sum =
        write.emit(
            "ReduceSum",
            List.of(contribution, axes),
            OperatorWriter.integer("keepdims", 1),
            OperatorWriter.integer("noop_with_empty_axes", 1));
    return write.reshapeTo(sum, shape);
  }
}
