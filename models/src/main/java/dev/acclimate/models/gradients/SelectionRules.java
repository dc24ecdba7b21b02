package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import org.jspecify.annotations.Nullable;

/** What operators that pick or join elements have in common. */
final class SelectionRules {
  private SelectionRules() {}

  /** Each input's gradient is a slice of the result's. */
  static void concat(NodeGradient node) {
    OperatorWriter write = node.write();
    int axis = NodeGradient.axis(node.integer("axis", 0), node.shape(node.output()).rank());
    long known = 0; // where the input begins: a number and perhaps a tensor to be added
    String measured = null;
    for (int i = 0; i < node.inputs(); i++) {
      Dimension size = node.dimensions(node.input(i)).get(axis);
      if (node.wants(i)) {
        String begin = sum(write, known, measured);
        String end =
            size.isFixed()
                ? sum(write, known + size.size(), measured)
                : write.add(begin, sizeAt(node, node.input(i), axis));
        String axes = write.constant(new long[] {axis});
        node.give(i, write.node("Slice", node.gradient(), begin, end, axes));
      }
      if (size.isFixed()) {
        known += size.size();
      } else {
        String rest = sizeAt(node, node.input(i), axis);
        measured = measured == null ? rest : write.add(measured, rest);
      }
    }
  }

  private static String sum(OperatorWriter write, long known, @Nullable String measured) {
    String constant = write.constant(new long[] {known});
    return measured == null ? constant : write.add(measured, constant);
  }

  /** The size along an axis as an int64 vector of one. */
  static String sizeAt(NodeGradient node, String tensor, int axis) {
    Dimension size = node.dimensions(tensor).get(axis);
    OperatorWriter write = node.write();
    return size.isFixed()
        ? write.constant(new long[] {size.size()})
        : write.gather(write.shape(tensor), axis);
  }

  /** Zeros in the shape of a tensor. */
  static String zerosLike(NodeGradient node, String tensor) {
    return node.write().node("ConstantOfShape", node.shapeOf(tensor));
  }

  /** The position of each element in a tensor, int64, in its shape. */
  static String positions(NodeGradient node, String tensor) {
    OperatorWriter write = node.write();
    String count = write.reshape(write.node("Size", tensor));
    String range = write.node("Range", write.integerScalar(0), count, write.integerScalar(1));
    return write.reshapeTo(range, node.shapeOf(tensor));
  }

  /** Numbers put at their positions in a tensor of zeros, no position twice. */
  static String placed(NodeGradient node, String like, String positions, String numbers) {
    OperatorWriter write = node.write();
    String flat = write.reshape(zerosLike(node, like), -1);
    String filled =
        write.node(
            "ScatterElements", flat, write.reshape(positions, -1), write.reshape(numbers, -1));
    return node.reshapeLike(filled, like);
  }
}
