package dev.acclimate.models.gradients;

import static dev.acclimate.models.OperatorWriter.integer;
import static dev.acclimate.models.OperatorWriter.integers;
import static dev.acclimate.models.OperatorWriter.number;

import dev.acclimate.models.gradients.Backpropagation.Normalization;
import dev.acclimate.models.gradients.Reference.Array;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class GradientRulesTest {

  private static Array of(Map<String, Array> inputs, String name) {
    return Objects.requireNonNull(inputs.get(name));
  }

  private static long[] longs(int... values) {
    return java.util.Arrays.stream(values).asLongStream().toArray();
  }

  @Property(tries = 60, seed = "1")
  void conv(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3) int rows,
      @ForAll @IntRange(min = 1, max = 3) int columns,
      @ForAll @IntRange(min = 1, max = 3) int stride,
      @ForAll @IntRange(min = 1, max = 2) int dilation) {
    Random random = new Random(seed);
    int[] strides = {stride, random.nextBoolean() ? stride : 1};
    int[] dilations = {dilation, 1};
    int[] pads = {random.nextInt(3), random.nextInt(3), random.nextInt(3), random.nextInt(3)};
    int height = 5 + random.nextInt(4); // no less than the widest dilated window
    int width = 5 + random.nextInt(4);
    new OperatorCheck(random, "Conv")
        .input("x", Array.random(random, 1 + random.nextInt(3), 2, height, width))
        .input("w", Array.random(random, 3, 2, rows, columns))
        .input("bias", Array.random(random, 3))
        .attribute(integers("strides", longs(strides)))
        .attribute(integers("dilations", longs(dilations)))
        .attribute(integers("pads", longs(pads)))
        .gradientsMatch(
            in ->
                Reference.conv(of(in, "x"), of(in, "w"), of(in, "bias"), strides, dilations, pads),
            "x",
            "w",
            "bias");
  }

  @Property(tries = 20, seed = "1")
  void batchNormalizationWithBatchStatistics(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 4) int rank) {
    Random random = new Random(seed);
    int[] shape = {3 + random.nextInt(3), 1 + random.nextInt(3), 3, 2};
    Array x = Array.random(random, java.util.Arrays.copyOf(shape, rank));
    batchNormalization(random, x)
        .normalizing(Normalization.BATCH)
        .gradientsMatch(
            in -> {
              double[][] statistics = Reference.channelStatistics(of(in, "x"));
              return Reference.normalize(
                  of(in, "x"),
                  of(in, "gamma").values(),
                  of(in, "beta").values(),
                  statistics[0],
                  statistics[1],
                  1e-3f);
            },
            "x",
            "gamma",
            "beta");
  }

  @Property(tries = 20, seed = "1")
  void frozenBatchNormalization(@ForAll long seed, @ForAll @IntRange(min = 2, max = 4) int rank) {
    Random random = new Random(seed);
    int[] shape = {2 + random.nextInt(3), 1 + random.nextInt(3), 3, 2};
    Array x = Array.random(random, java.util.Arrays.copyOf(shape, rank));
    batchNormalization(random, x)
        .gradientsMatch(
            in ->
                Reference.normalize(
                    of(in, "x"),
                    of(in, "gamma").values(),
                    of(in, "beta").values(),
                    of(in, "mean").values(),
                    of(in, "variance").values(),
                    1e-3f),
            "x",
            "gamma",
            "beta",
            "mean",
            "variance");
  }

  private static OperatorCheck batchNormalization(Random random, Array x) {
    int channels = x.shape()[1];
    return new OperatorCheck(random, "BatchNormalization")
        .input("x", x)
        .input("gamma", Array.random(random, channels))
        .input("beta", Array.random(random, channels))
        .input("mean", Array.random(random, channels))
        .input("variance", Array.random(random, channels).map(v -> 0.5f + (float) (v * v)))
        .attribute(number("epsilon", 1e-3f));
  }

  @Property(tries = 10, seed = "1")
  void relu(@ForAll long seed) {
    Random random = new Random(seed);
    // away from the kink
    Array x = Array.random(random, 3, 4).map(v -> (float) (v + Math.copySign(0.1, v)));
    new OperatorCheck(random, "Relu")
        .input("x", x)
        .gradientsMatch(in -> of(in, "x").map(v -> Math.max(0, v)), "x");
  }

  @Property(tries = 20, seed = "1")
  void addSubAndMulWithBroadcasting(@ForAll long seed, @ForAll boolean knownShapes) {
    Random random = new Random(seed);
    int[] wide = {2, 3, 2, 2};
    int[][] narrower = {{2, 3, 2, 2}, {3, 1, 1}, {1, 3, 1, 2}, {1}, {}, {2, 2}};
    int[] narrow = narrower[random.nextInt(narrower.length)];
    for (String operator : new String[] {"Add", "Sub", "Mul"}) {
      OperatorCheck check =
          new OperatorCheck(random, operator)
              .input("a", Array.random(random, narrow))
              .input("x", Array.random(random, wide));
      if (knownShapes) {
        check.fixedShapes();
      }
      check.gradientsMatch(
          in -> {
            double[] a = of(in, "a").broadcast(wide).values();
            Array y = new Array(wide);
            for (int i = 0; i < a.length; i++) {
              double x = of(in, "x").values()[i];
              y.values()[i] =
                  switch (operator) {
                    case "Add" -> a[i] + x;
                    case "Sub" -> a[i] - x;
                    default -> a[i] * x;
                  };
            }
            return y;
          },
          "a",
          "x");
    }
  }

  @Property(tries = 5, seed = "1")
  void addOfTwoBatchesOfUnknownSize(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "Add")
        .input("x1", Array.random(random, 1, 3))
        .input("x2", Array.random(random, 1, 3))
        .gradientsMatch(
            in -> {
              Array y = of(in, "x1").map(v -> v);
              for (int i = 0; i < 3; i++) {
                y.values()[i] += of(in, "x2").values()[i];
              }
              return y;
            },
            "x1",
            "x2");
  }

  @Property(tries = 5, seed = "1")
  void negAndIdentity(@ForAll long seed) {
    Random random = new Random(seed);
    Array x = Array.random(random, 3, 4);
    new OperatorCheck(random, "Neg")
        .input("x", x)
        .gradientsMatch(in -> of(in, "x").map(v -> -v), "x");
    new OperatorCheck(random, "Identity").input("x", x).gradientsMatch(in -> of(in, "x"), "x");
  }

  @Property(tries = 10, seed = "1")
  void globalAveragePool(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "GlobalAveragePool")
        .input("x", Array.random(random, 2, 3, 2 + random.nextInt(3), 2))
        .gradientsMatch(in -> Reference.globalAveragePool(of(in, "x")), "x");
  }

  @Property(tries = 5, seed = "1")
  void flatten(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "Flatten")
        .input("x", Array.random(random, 2, 3, 2, 2))
        .attribute(integer("axis", 1))
        .gradientsMatch(in -> of(in, "x").reshape(2, 12), "x");
  }

  @Property(tries = 20, seed = "1")
  void gemm(
      @ForAll long seed,
      @ForAll boolean transA,
      @ForAll boolean transB,
      @ForAll @IntRange(min = 0, max = 2) int biasRank) {
    Random random = new Random(seed);
    int[] bias = {2, 4};
    new OperatorCheck(random, "Gemm")
        .input("a", transA ? Array.random(random, 3, 2) : Array.random(random, 2, 3))
        .input("b", transB ? Array.random(random, 4, 3) : Array.random(random, 3, 4))
        .input("c", Array.random(random, java.util.Arrays.copyOfRange(bias, 2 - biasRank, 2)))
        .attribute(integer("transA", transA ? 1 : 0))
        .attribute(integer("transB", transB ? 1 : 0))
        .attribute(number("alpha", 0.5f))
        .attribute(number("beta", 1.5f))
        .gradientsMatch(
            in -> Reference.gemm(of(in, "a"), of(in, "b"), of(in, "c"), transA, transB, 0.5, 1.5),
            "a",
            "b",
            "c");
  }

  @Property(tries = 10, seed = "1")
  void logSoftmax(@ForAll long seed) {
    Random random = new Random(seed);
    new OperatorCheck(random, "LogSoftmax")
        .input("x", Array.random(random, 3, 5))
        .attribute(integer("axis", 1))
        .gradientsMatch(in -> Reference.logSoftmaxOfRows(of(in, "x")), "x");
  }

  @Property(tries = 10, seed = "1")
  void reduceMeanOverAnAxis(@ForAll long seed, @ForAll boolean keepDims) {
    Random random = new Random(seed);
    new OperatorCheck(random, "ReduceMean")
        .input("x", Array.random(random, 2, 3, 4))
        .attribute(integers("axes", 1))
        .attribute(integer("keepdims", keepDims ? 1 : 0))
        .gradientsMatch(
            in -> {
              Array mean = Reference.sumOverMiddle(of(in, "x")).map(v -> v / 3);
              return keepDims ? mean.reshape(2, 1, 4) : mean;
            },
            "x");
  }
}
