package dev.acclimate.models.gradients;

import static dev.acclimate.models.OperatorWriter.integer;
import static dev.acclimate.models.OperatorWriter.number;

import dev.acclimate.models.gradients.Backpropagation.Normalization;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class NormalizationRulesTest {

  private static int[] imageShape(Random random, int rank) {
    int[] shape = {2 + random.nextInt(4), 1 + random.nextInt(3), 3, 2};
    return Arrays.copyOf(shape, rank);
  }

  private static OperatorCheck batchNormalization(Random random, int rank) {
    int[] shape = imageShape(random, rank);
    return new OperatorCheck(random, "BatchNormalization")
        .input("x", PlainArray.random(random, shape))
        .input("gamma", PlainArray.random(random, shape[1]))
        .input("beta", PlainArray.random(random, shape[1]))
        .input("mean", PlainArray.random(random, shape[1]))
        .input("variance", PlainArray.random(random, shape[1]).map(v -> 0.5f + (float) (v * v)))
        .attribute(number("epsilon", 1e-3f));
  }

  @Property(tries = 20, seed = "1")
  void frozenBatchNormalization(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 4) int rank, @ForAll boolean fixed) {
    batchNormalization(new Random(seed), rank)
        .fixedShapes(fixed)
        .gradientsMatch("x", "gamma", "beta", "mean", "variance");
  }

  /** With batch statistics because the caller or because the node itself says so. */
  @Property(tries = 20, seed = "1")
  void batchNormalizationWithBatchStatistics(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 4) int rank, @ForAll boolean byNode) {
    OperatorCheck check = batchNormalization(new Random(seed), rank);
    if (byNode) {
      check
          .attribute(integer("training_mode", 1))
          .attribute(number("momentum", 0.7f))
          .outputs("y", "running_mean", "running_variance")
          .leavingOut("running_mean", "running_variance");
    } else {
      check.plainAttribute(integer("training_mode", 1)).normalizing(Normalization.BATCH);
    }
    check.gradientsMatch("x", "gamma", "beta");
  }

  @Property(tries = 20, seed = "1")
  void layerNormalization(@ForAll long seed, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int rank = 2 + random.nextInt(2);
    int[] shape = imageShape(random, rank);
    int first = 1 + random.nextInt(rank - 1);
    int[] normalized = Arrays.copyOfRange(shape, first, rank);
    OperatorCheck check =
        new OperatorCheck(random, "LayerNormalization")
            .input("x", PlainArray.random(random, shape))
            .input("scale", PlainArray.random(random, normalized))
            .attribute(integer("axis", random.nextBoolean() ? first : first - rank))
            .attribute(number("epsilon", 1e-2f))
            .fixedShapes(fixed);
    if (random.nextBoolean()) {
      check
          .input("bias", PlainArray.random(random, normalized))
          .gradientsMatch("x", "scale", "bias");
    } else {
      check.gradientsMatch("x", "scale");
    }
  }

  @Property(tries = 20, seed = "1")
  void instanceNormalization(
      @ForAll long seed, @ForAll @IntRange(min = 3, max = 4) int rank, @ForAll boolean fixed) {
    Random random = new Random(seed);
    int[] shape = imageShape(random, rank);
    new OperatorCheck(random, "InstanceNormalization")
        .input("x", PlainArray.random(random, shape))
        .input("scale", PlainArray.random(random, shape[1]))
        .input("bias", PlainArray.random(random, shape[1]))
        .attribute(number("epsilon", 1e-2f))
        .fixedShapes(fixed)
        .gradientsMatch("x", "scale", "bias");
  }

  /** Scale and bias per group before operator set 21, since then per channel. */
  @Property(tries = 20, seed = "1")
  void groupNormalization(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 3) int groups, @ForAll boolean perGroup) {
    Random random = new Random(seed);
    int channels = 2 * groups;
    int scales = perGroup ? groups : channels;
    new OperatorCheck(random, "GroupNormalization")
        .opset(perGroup ? 18 : 21)
        .input("x", PlainArray.random(random, 1 + random.nextInt(3), channels, 3, 2))
        .input("scale", PlainArray.random(random, scales))
        .input("bias", PlainArray.random(random, scales))
        .attribute(integer("num_groups", groups))
        .attribute(number("epsilon", 1e-2f))
        .fixedShapes(random.nextBoolean())
        .gradientsMatch("x", "scale", "bias");
  }
}
