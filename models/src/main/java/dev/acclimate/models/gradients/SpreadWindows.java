package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.List;

/**
 * The way back through windows: what lies at the places, spread through the kernel over an image of
 * the size that the windows were laid over.
 */
final class SpreadWindows {
  private SpreadWindows() {}

  /**
   * Writes a ConvTranspose.
   *
   * @param tensor {@code [B, P, *places]}
   * @param kernel {@code [P, C / groups, *kernel]}
   * @param places has the spatial sizes of {@code tensor}
   * @param image has the spatial sizes of the result
   */
  static String write(
      NodeGradient node,
      String tensor,
      String kernel,
      Window window,
      long groups,
      String places,
      String image) {
    OperatorWriter write = node.write();
    int axes = window.axes();
    long[] rest = new long[axes];
    boolean known = true;
    for (int axis = 0; axis < axes; axis++) {
      Dimension from = node.dimensions(places).get(axis + 2);
      Dimension to = node.dimensions(image).get(axis + 2);
      known &= from.isFixed() && to.isFixed();
      rest[axis] = to.size() - reached(window, axis, from.size());
    }
    // what windows reach behind the image depends on where the last of them begins, not on the pads
    long[] cut = Arrays.copyOf(window.pads(), 2 * axes);
    for (int axis = 0; axis < axes; axis++) {
      cut[axes + axis] = known ? Math.max(0, -rest[axis]) : 0;
      rest[axis] = Math.max(0, rest[axis]);
    }
    String spread =
        write.emit(
            "ConvTranspose",
            List.of(tensor, kernel),
            OperatorWriter.integers("kernel_shape", window.kernel()),
            OperatorWriter.integers("strides", window.strides()),
            OperatorWriter.integers("dilations", window.dilations()),
            OperatorWriter.integers("pads", cut),
            OperatorWriter.integer("group", groups));
    if (known) {
      return Arrays.stream(rest).allMatch(r -> r == 0) ? spread : write.pad(spread, after(rest));
    }
    String ends =
        write.sub(
            write.gather(write.shape(image), window.imageAxes()),
            write.gather(write.shape(spread), window.imageAxes()));
    String before = write.constant(new long[axes + 2]);
    String pads = write.concat(0, List.of(before, write.constant(new long[2]), ends));
    return write.node("Pad", spread, pads);
  }

  /** How far windows reach into an axis and beyond its end. */
  private static long reached(Window window, int axis, long places) {
    return (places - 1) * window.strides()[axis] + window.reach(axis) + 1 - window.pads()[axis];
  }

  /** Zeros after each spatial axis. */
  private static long[] after(long[] rest) {
    long[] pads = new long[2 * (rest.length + 2)];
    System.arraycopy(rest, 0, pads, rest.length + 4, rest.length);
    return pads;
  }
}
