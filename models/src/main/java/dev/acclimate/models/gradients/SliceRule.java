package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * {@code x[starts:ends:steps]}. Zeros go between and around the gradient's elements where bounds
 * and sizes are known and steps are positive; else the positions are sliced like the elements, and
 * the gradient is put there, which takes ten times as long.
 */
final class SliceRule implements GradientRule {

  /**
   * Elements apart by a product with a matrix of zeros and ones, up to this size: single elements
   * are padded at a tenth of the speed.
   */
  private static final long LARGEST_MATRIX = 1 << 16;

  /**
   * What is taken along an axis.
   *
   * @param begin the first element
   * @param step to the next one, at least 1
   * @param count how many are taken
   * @param size of the axis
   */
  private record Cut(int axis, long begin, long step, long count, long size) {}

  @Override
  public void backward(NodeGradient node) {
    Optional<List<Cut>> cuts = cuts(node);
    node.give(
        0,
        cuts.isPresent()
            ? withZeros(node, cuts.get())
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

  private static String withZeros(NodeGradient node, List<Cut> cuts) {
    OperatorWriter write = node.write();
    int rank = node.shape(node.input(0)).rank();
    String spread = node.gradient();
    long[] pads = new long[2 * rank];
    for (Cut cut : cuts) {
      if (cut.step() > 1 && cut.axis() == rank - 1 && cut.count() * cut.size() <= LARGEST_MATRIX) {
        spread = write.matMul(spread, placing(write, cut));
        continue;
      }
      if (cut.step() > 1) {
        spread = spaced(node, spread, cut);
      }
      pads[cut.axis()] = cut.begin();
      pads[rank + cut.axis()] = cut.size() - cut.begin() - cut.count() * cut.step();
    }
    return Arrays.stream(pads).allMatch(p -> p == 0) ? spread : write.pad(spread, pads);
  }

  /** The matrix {@code [count, size]} that puts each element in its place. */
  private static String placing(OperatorWriter write, Cut cut) {
    int columns = Math.toIntExact(cut.size());
    int rows = Math.toIntExact(cut.count());
    float[] ones = new float[rows * columns];
    for (int i = 0; i < rows; i++) {
      ones[i * columns + Math.toIntExact(cut.begin() + i * cut.step())] = 1;
    }
    return write.constant(ones, rows, columns);
  }

  /** Zeros after each element along an axis: as an axis of its own, then joined with it. */
  private static String spaced(NodeGradient node, String tensor, Cut cut) {
    OperatorWriter write = node.write();
    int rank = node.shape(node.input(0)).rank();
    long[] between = new long[2 * (rank + 1)];
    between[rank + 1 + cut.axis() + 1] = cut.step() - 1;
    String apart = write.pad(write.unsqueeze(tensor, cut.axis() + 1), between);
    List<Dimension> sizes = node.dimensions(node.output());
    long[] joined = new long[rank]; // 0: keep the size
    joined[cut.axis()] = cut.count() * cut.step();
    for (int axis = cut.axis() + 1; axis < rank; axis++) {
      joined[axis] = sizes.get(axis).size(); // -1, the rest, where it is not known
    }
    return write.reshape(apart, joined);
  }

  /** One size after the axis may be unknown, since a reshape can infer one. */
  private static boolean canBeSpaced(NodeGradient node, Cut cut) {
    List<Dimension> sizes = node.dimensions(node.output());
    return cut.step() == 1
        || (cut.count() > 0
            && sizes.stream().skip(cut.axis() + 1L).filter(size -> !size.isFixed()).count() <= 1);
  }

  private static Optional<List<Cut>> cuts(NodeGradient node) {
    Optional<long[]> starts = node.constants().integers(node.input(1));
    Optional<long[]> ends = node.constants().integers(node.input(2));
    if (starts.isEmpty() || ends.isEmpty()) {
      return Optional.empty();
    }
    int count = starts.get().length;
    Optional<long[]> axes = optional(node, 3, LongStream.range(0, count).toArray());
    Optional<long[]> steps = optional(node, 4, LongStream.generate(() -> 1).limit(count).toArray());
    if (axes.isEmpty() || steps.isEmpty()) {
      return Optional.empty();
    }
    List<Cut> cuts = new ArrayList<>();
    int rank = node.shape(node.input(0)).rank();
    for (int i = 0; i < count; i++) {
      int axis = NodeGradient.axis(axes.get()[i], rank);
      long size = node.dimensions(node.input(0)).get(axis).size();
      long step = steps.get()[i];
      if (size < 0 || step < 1) {
        return Optional.empty();
      }
      long begin = bound(starts.get()[i], size);
      long taken = Math.max(0, bound(ends.get()[i], size) - begin);
      cuts.add(new Cut(axis, begin, step, (taken + step - 1) / step, size));
    }
    // from the first axis on: those behind an axis to be spaced still have the slice's sizes
    cuts.sort(Comparator.comparingInt(Cut::axis));
    return Optional.of(cuts).filter(found -> found.stream().allMatch(c -> canBeSpaced(node, c)));
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
