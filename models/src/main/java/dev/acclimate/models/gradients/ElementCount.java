package dev.acclimate.models.gradients;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.TensorInfo;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** How many elements a tensor has along some of its axes: a constant where sizes are known. */
final class ElementCount {
  private ElementCount() {}

  /** A float32 scalar. */
  static String along(OperatorWriter write, String tensor, TensorInfo shape, IntStream axes) {
    int[] all = axes.toArray();
    long known = known(shape, Arrays.stream(all)).reduce(1, Math::multiplyExact);
    long[] open =
        Arrays.stream(all)
            .filter(axis -> !shape.dimensions().get(axis).isFixed())
            .asLongStream()
            .toArray();
    String fixed = write.constant((float) known);
    if (open.length == 0) {
      return fixed;
    }
    String sizes = write.castToFloat(write.gather(write.shape(tensor), open));
    return write.mul(write.reduceProd(sizes, false, 0), fixed);
  }

  private static LongStream known(TensorInfo shape, IntStream axes) {
    return axes.mapToObj(shape.dimensions()::get)
        .filter(Dimension::isFixed)
        .mapToLong(Dimension::size);
  }
}
