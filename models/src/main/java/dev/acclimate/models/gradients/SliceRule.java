package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * {@code x[starts:ends:steps]}. Zeros go around the gradient where bounds and sizes are known and
 * steps are 1; else the positions are sliced like the elements, and the gradient is put there.
 */
final class SliceRule implements GradientRule {

  @Override
  public void backward(NodeGradient node) {
    Optional<long[]> pads = pads(node);
    node.give(
        0,
        pads.isPresent()
            ? node.write().pad(node.gradient(), pads.get())
            : SelectionRules.placed(node, node.input(0), slicedPositions(node), node.gradient()));
  }

  private static String slicedPositions(NodeGradient node) {
    List<String> inputs = new ArrayList<>();
    inputs.add(SelectionRules.positions(node, node.input(0)));
    for (int i = 1; i < node.inputs(); i++) {
      inputs.add(node.input(i));
    }
    return node.write().emit("Slice", inputs);
  }

  /** What the slice left out before and after each axis. */
  private static Optional<long[]> pads(NodeGradient node) {
    Optional<long[]> starts = node.constants().integers(node.input(1));
    Optional<long[]> ends = node.constants().integers(node.input(2));
    if (starts.isEmpty() || ends.isEmpty()) {
      return Optional.empty();
    }
    int count = starts.get().length;
    Optional<long[]> axes = optional(node, 3, LongStream.range(0, count).toArray());
    Optional<long[]> steps = optional(node, 4, LongStream.generate(() -> 1).limit(count).toArray());
    if (axes.isEmpty() || steps.isEmpty() || Arrays.stream(steps.get()).anyMatch(s -> s != 1)) {
      return Optional.empty();
    }
    int rank = node.shape(node.input(0)).rank();
    long[] pads = new long[2 * rank];
    for (int i = 0; i < count; i++) {
      int axis = NodeGradient.axis(axes.get()[i], rank);
      Dimension size = node.dimensions(node.input(0)).get(axis);
      if (!size.isFixed()) {
        return Optional.empty();
      }
      long begin = bound(starts.get()[i], size.size());
      long end = Math.max(begin, bound(ends.get()[i], size.size()));
      pads[axis] = begin;
      pads[rank + axis] = size.size() - end;
    }
    return Optional.of(pads);
  }

  private static long bound(long index, long size) {
    return Math.max(0, Math.min(size, index < 0 ? index + size : index));
  }

  private static Optional<long[]> optional(NodeGradient node, int input, long[] byDefault) {
    return node.hasInput(input)
        ? node.constants().integers(node.input(input))
        : Optional.of(byDefault);
  }
}
