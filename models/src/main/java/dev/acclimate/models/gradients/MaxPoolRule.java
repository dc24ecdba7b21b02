package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Maxima over windows: each hands its gradient to where it was found, the first place of equals.
 *
 * <p>An element may be the maximum of several windows, but values put in one place are added up
 * only by newer operator sets. So windows are taken in turns, such that those of a turn do not
 * overlap.
 */
final class MaxPoolRule implements GradientRule {
  /** Past the end of any axis. */
  private static final long END = Long.MAX_VALUE;

  private static Window window(NodeGradient node) {
    return Window.of(node, node.integers("kernel_shape", 0, 0), node.input(0));
  }

  @Override
  public void check(NodeGradient node) {
    window(node);
  }

  @Override
  public void backward(NodeGradient node) {
    OperatorWriter write = node.write();
    Window window = window(node);
    List<AttributeProto> attributes = new ArrayList<>(node.attributes());
    attributes.removeIf(attribute -> attribute.getName().equals("storage_order"));
    String indices =
        write
            .emitAll(
                2, "MaxPool", List.of(node.input(0)), attributes.toArray(AttributeProto[]::new))
            .get(1);
    long[] turns = new long[window.axes()];
    for (int axis = 0; axis < turns.length; axis++) {
      turns[axis] = window.reach(axis) / window.strides()[axis] + 1;
    }
    String sum = null;
    long[] turn = new long[turns.length];
    do {
      String part =
          SelectionRules.placed(
              node,
              node.input(0),
              everyOther(write, indices, window, turn, turns),
              everyOther(write, node.gradient(), window, turn, turns));
      sum = sum == null ? part : write.add(sum, part);
    } while (Window.next(turn, turns));
    node.give(0, sum);
  }

  private static String everyOther(
      OperatorWriter write, String tensor, Window window, long[] turn, long[] turns) {
    if (Arrays.stream(turns).allMatch(t -> t == 1)) {
      return tensor;
    }
    long[] ends = new long[turns.length];
    Arrays.fill(ends, END);
    return write.slice(tensor, window.imageAxes(), turn.clone(), ends, turns);
  }
}
