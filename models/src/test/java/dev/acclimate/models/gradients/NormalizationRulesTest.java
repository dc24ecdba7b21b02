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
}
