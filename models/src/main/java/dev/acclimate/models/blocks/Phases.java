package dev.acclimate.models.blocks;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.NodeAttributes;
import dev.acclimate.models.OperatorWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A transposed convolution, {@code x [B, I, h, w]} with weights {@code [I, O, *kernel]}, or a
 * depthwise one with weights {@code [I, 1, *kernel]}, as one convolution for each phase of its
 * strides: the places of a result that are a stride apart see the same elements of the kernel. So
 * no zeros are put between the elements of {@code x}, as ONNX Runtime's own kernel does in effect.
 */
final class Phases {
  private static final long START = -Long.MAX_VALUE;

  private final long[] x;
  private final long[] weights;
  private final long[] y;
  private final long[] strides;
  private final long[] pads;
  private final boolean depthwise;
  private final boolean plainAttributes;

  /**
   * What one axis does for one phase.
   *
   * @param first element of the kernel that is seen, counted on by strides
   * @param taps how many are
   * @param before zeros before the axis
   * @param after zeros behind it
   */
  private record Axis(long first, long taps, long before, long after) {}

  /**
   * @param node the transposed convolution
   * @param x shape of its input
   * @param weights shape of its weights
   * @param y shape of its output
   */
  Phases(NodeProto node, long[] x, long[] weights, long[] y) {
    this.x = x;
    this.weights = weights;
    this.y = y;
    this.strides = NodeAttributes.integers(node, "strides").orElse(new long[] {1, 1});
    this.pads = NodeAttributes.integers(node, "pads").orElse(new long[4]);
    long[] dilations = NodeAttributes.integers(node, "dilations").orElse(new long[] {1, 1});
    long groups = NodeAttributes.integer(node, "group", 1);
    this.depthwise = groups > 1 && groups == weights[0] && weights[1] == 1;
    this.plainAttributes =
        (groups == 1 || depthwise)
            && Arrays.stream(dilations).allMatch(d -> d == 1)
            && NodeAttributes.text(node, "auto_pad", "NOTSET").equals("NOTSET")
            // where it is given, pads follow from it
            && NodeAttributes.find(node, "output_shape").isEmpty()
            && node.getInputCount() == 2;
  }

  private Axis axis(int axis, long phase) {
    long stride = strides[axis];
    long first = (phase + pads[axis]) % stride;
    long begins = (phase + pads[axis]) / stride; // the place that a phase's first result is at
    long taps = Math.max(0, (weights[2 + axis] - first + stride - 1) / stride);
    long places = y[2 + axis] / stride;
    return new Axis(first, taps, taps - 1 - begins, places + begins - x[2 + axis]);
  }

  /** True where every phase is a convolution with at least one element and with zeros around. */
  boolean arePossible() {
    boolean possible = plainAttributes;
    for (int axis = 0; axis < 2; axis++) {
      possible &= y[2 + axis] % strides[axis] == 0;
      for (long phase = 0; possible && phase < strides[axis]; phase++) {
        Axis one = axis(axis, phase);
        possible = one.taps() > 0 && one.before() >= 0 && one.after() >= 0;
      }
    }
    return possible;
  }

  /** Writes it; {@code input} and result in blocks, weights in plain order. */
  String write(BlockedOperators blocked, OperatorWriter ops, String input, String weight) {
    String exchanged = depthwise ? weight : ops.transpose(weight, 1, 0, 2, 3);
    List<String> rows = new ArrayList<>();
    for (long i = 0; i < strides[0]; i++) {
      Axis vertical = axis(0, i);
      List<String> columns = new ArrayList<>();
      for (long j = 0; j < strides[1]; j++) {
        columns.add(phase(blocked, ops, input, exchanged, vertical, axis(1, j)));
      }
      rows.add(columns.size() == 1 ? columns.get(0) : ops.concat(4, columns));
    }
    // a phase's rows lie a stride apart: each is followed by those of the other phases
    long width = y[3] * blocked.block();
    List<String> lines =
        rows.stream()
            .map(row -> ops.reshape(row, y[0], y[1] / blocked.block(), y[2] / strides[0], width))
            .toList();
    return ops.reshape(lines.size() == 1 ? lines.get(0) : ops.concat(3, lines), y);
  }

  private String phase(
      BlockedOperators blocked,
      OperatorWriter ops,
      String input,
      String exchanged,
      Axis vertical,
      Axis horizontal) {
    // the taps in reverse, as a convolution meets them
    String kernel =
        ops.slice(
            exchanged,
            new long[] {2, 3},
            new long[] {last(vertical, strides[0]), last(horizontal, strides[1])},
            new long[] {end(vertical), end(horizontal)},
            new long[] {-strides[0], -strides[1]});
    long[] shape = {y[1], depthwise ? 1 : x[1], vertical.taps(), horizontal.taps()};
    String result =
        blocked.convolution(
            input,
            blocked.filter(kernel, shape, !depthwise),
            null,
            null,
            null,
            List.of(
                OperatorWriter.integer("group", depthwise ? y[1] : 1),
                OperatorWriter.integers("kernel_shape", shape[2], shape[3]),
                OperatorWriter.integers(
                    "pads",
                    vertical.before(),
                    horizontal.before(),
                    vertical.after(),
                    horizontal.after())));
    long[] part = {y[0], y[1], y[2] / strides[0], y[3] / strides[1]};
    return blocked.asItLies(result, part);
  }

  private static long last(Axis axis, long stride) {
    return axis.first() + stride * (axis.taps() - 1);
  }

  private static long end(Axis axis) {
    return axis.first() == 0 ? START : axis.first() - 1;
  }
}
