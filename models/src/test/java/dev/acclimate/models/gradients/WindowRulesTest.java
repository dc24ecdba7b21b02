package dev.acclimate.models.gradients;

import static dev.acclimate.models.OperatorWriter.integer;
import static dev.acclimate.models.OperatorWriter.integers;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.AttributeProto;
import com.google.protobuf.ByteString;
import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Convolutions and poolings over one and two spatial axes. */
class WindowRulesTest {

  /** What of the image's shape is declared. */
  enum Known {
    ALL,
    ALL_BUT_BATCH,
    NOTHING
  }

  private static OperatorCheck check(Random random, String operator, Known known, int... image) {
    OperatorCheck check =
        new OperatorCheck(random, operator)
            .input("x", PlainArray.random(random, image))
            .fixedShapes(known == Known.ALL);
    return known == Known.NOTHING ? check.unknownShapes() : check;
  }

  private static AttributeProto autoPad(String how) {
    return AttributeProto.newBuilder()
        .setName("auto_pad")
        .setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(how))
        .build();
  }

  private static int[] shape(int first, int second, int... spatial) {
    int[] shape = Arrays.copyOf(new int[] {first, second}, 2 + spatial.length);
    System.arraycopy(spatial, 0, shape, 2, spatial.length);
    return shape;
  }

  /** At least 5 and so no less than the widest dilated window. */
  private static int[] image(Random random, int axes) {
    return random.ints(axes, 5, 9).toArray();
  }

  private static int[] kernel(Random random, int axes) {
    return random.ints(axes, 1, 4).toArray();
  }

  @Property(tries = 120, seed = "1")
  void conv(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 2) int axes,
      @ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll Known known) {
    Random random = new Random(seed);
    int perGroup = 1 + random.nextInt(2);
    int outputs = groups * (1 + random.nextInt(2));
    int[] image = shape(1 + random.nextInt(3), groups * perGroup, image(random, axes));
    check(random, "Conv", known, image)
        .input("w", PlainArray.random(random, shape(outputs, perGroup, kernel(random, axes))))
        .input("bias", PlainArray.random(random, outputs))
        .attribute(integers("strides", random.longs(axes, 1, 4).toArray()))
        .attribute(integers("dilations", random.longs(axes, 1, 3).toArray()))
        .attribute(integers("pads", random.longs(2L * axes, 0, 3).toArray()))
        .attribute(integer("group", groups))
        .gradientsMatch("x", "w", "bias");
  }

  @Property(tries = 60, seed = "1")
  void convThatPadsItself(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 2) int axes, @ForAll boolean upper) {
    Random random = new Random(seed);
    String how = upper ? "SAME_UPPER" : random.nextBoolean() ? "SAME_LOWER" : "VALID";
    check(random, "Conv", Known.ALL_BUT_BATCH, shape(2, 2, image(random, axes)))
        .input("w", PlainArray.random(random, shape(2, 2, kernel(random, axes))))
        .attribute(integers("strides", random.longs(axes, 1, 4).toArray()))
        .attribute(autoPad(how))
        .gradientsMatch("x", "w");
  }

  @Example
  void refusesConvWhosePaddingDependsOnAnUnknownSize() {
    OperatorCheck check =
        check(new Random(1), "Conv", Known.NOTHING, 2, 1, 5)
            .input("w", PlainArray.random(new Random(2), 2, 1, 3))
            .attribute(integers("strides", 2))
            .attribute(autoPad("SAME_UPPER"));
    assertThatThrownBy(() -> check.gradientsMatch("x"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'the node' (Conv)")
        .hasMessageContaining("auto_pad with strides over axes of unknown size");
  }

  @Property(tries = 100, seed = "1")
  void convTranspose(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 2) int axes,
      @ForAll @IntRange(min = 1, max = 2) int groups,
      @ForAll Known known) {
    Random random = new Random(seed);
    int channels = groups * (1 + random.nextInt(2));
    int perGroup = 1 + random.nextInt(2);
    long[] strides = random.longs(axes, 1, 4).toArray();
    long[] rest = Arrays.stream(strides).map(s -> random.nextInt((int) s)).toArray();
    int[] image = shape(1 + random.nextInt(2), channels, random.ints(axes, 2, 5).toArray());
    int[] kernel = random.ints(axes, 2, 4).toArray();
    check(random, "ConvTranspose", known, image)
        .input("w", PlainArray.random(random, shape(channels, perGroup, kernel)))
        .input("bias", PlainArray.random(random, groups * perGroup))
        .attribute(integers("strides", strides))
        .attribute(integers("dilations", random.longs(axes, 1, 3).toArray()))
        .attribute(integers("pads", random.longs(2L * axes, 0, 2).toArray()))
        .attribute(integers("output_padding", rest))
        .attribute(integer("group", groups))
        .gradientsMatch("x", "w", "bias");
  }

  /**
   * A pooling's pads must be less than its kernel. Where sizes are rounded up, no window may begin
   * behind the image: the runtime leaves such out, its shape inference counts them.
   */
  private static OperatorCheck pool(
      Random random, String operator, int axes, Known known, boolean roundUp) {
    int[] kernel = kernel(random, axes);
    long[] pads = new long[2 * axes];
    Arrays.setAll(pads, i -> roundUp && i >= axes ? 0 : random.nextInt(kernel[i % axes]));
    long[] strides = random.longs(axes, 1, 4).toArray();
    Arrays.setAll(strides, i -> roundUp ? Math.min(strides[i], kernel[i]) : strides[i]);
    return check(random, operator, known, shape(2, 2, image(random, axes)))
        .attribute(integers("kernel_shape", Arrays.stream(kernel).asLongStream().toArray()))
        .attribute(integers("strides", strides))
        .attribute(integers("pads", pads))
        .attribute(integer("ceil_mode", roundUp ? 1 : 0));
  }

  @Property(tries = 120, seed = "1")
  void maxPool(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 2) int axes,
      @ForAll Known known,
      @ForAll boolean roundUp) {
    Random random = new Random(seed);
    pool(random, "MaxPool", axes, known, roundUp)
        .opset(random.nextBoolean() ? 12 : 17)
        .gradientsMatch("x");
  }

  @Property(tries = 20, seed = "1")
  void dilatedMaxPool(@ForAll long seed, @ForAll @IntRange(min = 1, max = 2) int axes) {
    Random random = new Random(seed);
    pool(random, "MaxPool", axes, Known.ALL_BUT_BATCH, false)
        .attribute(integers("dilations", random.longs(axes, 1, 3).toArray()))
        .gradientsMatch("x");
  }

  @Property(tries = 120, seed = "1")
  void averagePool(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 2) int axes,
      @ForAll Known known,
      @ForAll boolean roundUp,
      @ForAll boolean countPads) {
    Random random = new Random(seed);
    pool(random, "AveragePool", axes, known, roundUp && !countPads)
        .attribute(integer("count_include_pad", countPads ? 1 : 0))
        .gradientsMatch("x");
  }

  @Property(tries = 10, seed = "1")
  void averagePoolOverTheWholeImage(@ForAll long seed) {
    Random random = new Random(seed);
    check(random, "AveragePool", Known.ALL_BUT_BATCH, 2, 3, 4, 5)
        .attribute(integers("kernel_shape", 4, 5))
        .gradientsMatch("x");
  }

  @Example
  void refusesAveragePoolThatRuntimesReadDifferently() {
    OperatorCheck check =
        pool(new Random(1), "AveragePool", 2, Known.ALL, true)
            .attribute(integer("count_include_pad", 1));
    assertThatThrownBy(() -> check.gradientsMatch("x"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'the node' (AveragePool)");
  }
}
