package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import com.google.protobuf.ByteString;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Slices picked along an axis by their indices: each adds to where it was taken from. */
final class GatherRule implements GradientRule {
  /** From this version on, what is put twice in one place can be added up. */
  private static final long OPSET_WITH_SUMS = 16;

  @Override
  public void check(NodeGradient node) {
    if (node.write().opset() < OPSET_WITH_SUMS && !takesEachOnce(node)) {
      throw node.unsupported(
          "indices that may repeat need operator set %d, the model has %d"
              .formatted(OPSET_WITH_SUMS, node.write().opset()));
    }
  }

  private static boolean takesEachOnce(NodeGradient node) {
    Dimension size = node.dimensions(node.input(0)).get(axis(node));
    Optional<long[]> indices = node.constants().integers(node.input(1));
    if (indices.isEmpty()) {
      return false;
    }
    long[] values = indices.get();
    boolean anyNegative = Arrays.stream(values).anyMatch(i -> i < 0);
    if (values.length > 1 && anyNegative && !size.isFixed()) {
      return false;
    }
    return Arrays.stream(values).map(i -> i < 0 ? i + size.size() : i).distinct().count()
        == values.length;
  }

  private static int axis(NodeGradient node) {
    return NodeGradient.axis(node.integer("axis", 0), node.shape(node.input(0)).rank());
  }

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    int axis = axis(node);
    String picked = asOneAxis(node, axis);
    int rank = node.shape(node.input(0)).rank();
    long[] alongAxis = new long[rank];
    Arrays.fill(alongAxis, 1);
    alongAxis[axis] = -1;
    String indices = write.expandTo(write.reshape(node.input(1), alongAxis), write.shape(picked));
    List<AttributeProto> attributes = new ArrayList<>();
    attributes.add(OperatorWriter.integer("axis", axis));
    if (!takesEachOnce(node)) {
      attributes.add(
          AttributeProto.newBuilder()
              .setName("reduction")
              .setType(AttributeProto.AttributeType.STRING)
              .setS(ByteString.copyFromUtf8("add"))
              .build());
    }
    node.give(
        0,
        write.emit(
            "ScatterElements",
            List.of(SelectionRules.zerosLike(node, node.input(0)), indices, picked),
            attributes.toArray(AttributeProto[]::new)));
  }

  /** The gradient with the axes of the indices, be there none or many, as one. */
  private static String asOneAxis(NodeGradient node, int axis) {
    int indexRank = node.shape(node.input(1)).rank();
    if (indexRank == 1) {
      return node.gradient();
    }
    if (indexRank == 0) {
      return node.write().unsqueeze(node.gradient(), axis);
    }
    List<String> sizes = new ArrayList<>();
    for (int i = 0; i < node.shape(node.input(0)).rank(); i++) {
      sizes.add(
          i == axis
              ? node.write().constant(new long[] {-1})
              : SelectionRules.sizeAt(node, node.input(0), i));
    }
    return node.write().reshapeTo(node.gradient(), node.write().concat(0, sizes));
  }
}
