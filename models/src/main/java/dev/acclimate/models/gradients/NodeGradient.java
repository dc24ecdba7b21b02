package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One node on the way back: what its rule reads, and where it leaves what it found. */
final class NodeGradient {
  private final Backpropagation pass;
  private final NodeProto node;
  private final String gradient;

  /**
   * @param gradient tensor that holds the gradient of the node's first output; while rules are
   *     {@linkplain GradientRule#check checked} there is none yet
   */
  NodeGradient(Backpropagation pass, NodeProto node, String gradient) {
    this.pass = pass;
    this.node = node;
    this.gradient = gradient;
  }

  /** Writes the backward nodes. */
  OperatorWriter write() {
    return pass.write();
  }

  /** The gradient of the node's first output. */
  String gradient() {
    return gradient;
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

  /** True where the input's gradient leads to a chosen parameter. */
  boolean wants(int index) {
    return hasInput(index) && pass.leadsToParameter(node.getInput(index));
  }

  /** Adds a contribution to an input's gradient. */
  void give(int index, String contribution) {
    pass.contribute(node.getInput(index), contribution);
  }

  TensorInfo shape(String tensor) {
    return pass.shape(tensor);
  }

  /** What the batch measured in place of a BatchNormalization's statistics, null where frozen. */
  @Nullable MeasuredBatch measured() {
    return pass.measured(node);
  }

  long integer(String name, long byDefault) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? byDefault : attribute.getI();
  }

  float decimal(String name, float byDefault) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? byDefault : attribute.getF();
  }

  String text(String name, String byDefault) {
    AttributeProto attribute = attribute(name);
    return attribute == null ? byDefault : attribute.getS().toStringUtf8();
  }

  /** A list attribute, or {@code count} times a value where the node leaves it out. */
  long[] integers(String name, int count, long byDefault) {
    AttributeProto attribute = attribute(name);
    List<Long> values =
        attribute == null ? Collections.nCopies(count, byDefault) : attribute.getIntsList();
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  @Nullable AttributeProto attribute(String name) {
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.getName().equals(name)) {
        return attribute;
      }
    }
    return null;
  }

  /** The refusal of this node, for example "stride 2 over an axis of unknown size". */
  InvalidInputException unsupported(String what) {
    return Backpropagation.noRule(node, what);
  }

  /**
   * A contribution's sum over the axes along which an input was repeated to the result's shape, so
   * that it has the input's shape again.
   */
  String unbroadcast(String contribution, String input) {
    TensorInfo from = shape(output());
    TensorInfo to = shape(input);
    int lead = from.rank() - to.rank();
    List<Long> axes = new ArrayList<>();
    for (int axis = 0; axis < from.rank(); axis++) {
      Dimension wide = from.dimensions().get(axis);
      Dimension narrow = axis < lead ? Dimension.fixed(1) : to.dimensions().get(axis - lead);
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
    String sum = write().reduceSum(contribution, true, summed);
    return lead == 0 ? sum : write().reshapeTo(sum, write().shape(input));
  }

  /** The same where only the run tells which axes were repeated: those whose sizes differ. */
  private String unbroadcastAtRunTime(String contribution, String input, int lead) {
    OperatorWriter write = write();
    String shape = write.shape(input);
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
