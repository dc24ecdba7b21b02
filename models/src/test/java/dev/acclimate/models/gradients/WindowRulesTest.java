package dev.acclimate.models.gradients;

import static dev.acclimate.models.OperatorWriter.integers;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Convolutions and poolings. */
class WindowRulesTest {

  @Property(tries = 60, seed = "1")
  void conv(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3) int rows,
      @ForAll @IntRange(min = 1, max = 3) int columns,
      @ForAll @IntRange(min = 1, max = 3) int stride,
      @ForAll @IntRange(min = 1, max = 2) int dilation) {
    Random random = new Random(seed);
    int height = 5 + random.nextInt(4); // no less than the widest dilated window
    int width = 5 + random.nextInt(4);
    new OperatorCheck(random, "Conv")
        .input("x", PlainArray.random(random, 1 + random.nextInt(3), 2, height, width))
        .input("w", PlainArray.random(random, 3, 2, rows, columns))
        .input("bias", PlainArray.random(random, 3))
        .attribute(integers("strides", stride, random.nextBoolean() ? stride : 1))
        .attribute(integers("dilations", dilation, 1))
        .attribute(integers("pads", random.longs(4, 0, 3).toArray()))
        .gradientsMatch("x", "w", "bias");
  }
}
