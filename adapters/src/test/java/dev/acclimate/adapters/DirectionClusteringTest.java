package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DirectionClusteringTest {

  @Test
  void findsGroupsOfLikeDirectionWhateverTheirLength() {
    SplittableRandom random = new SplittableRandom(2);
    double[][] directions = {{1, 0, 0}, {-1, 0.5, 0}, {0, 0, -1}, {0, -1, 1}};
    double[][] vectors = new double[200][];
    for (int i = 0; i < vectors.length; i++) {
      double length = Math.exp(3 * random.nextGaussian());
      vectors[i] =
          Arrays.stream(directions[i % 4])
              .map(d -> length * (d + 0.02 * random.nextGaussian()))
              .toArray();
    }

    int[] group = DirectionClustering.cluster(vectors, 4, 1);

    int[] names = Arrays.copyOf(group, 4); // one vector of each direction
    assertThat(names).doesNotHaveDuplicates();
    for (int i = 0; i < group.length; i++) {
      assertThat(group[i]).isEqualTo(names[i % 4]);
    }
  }

  @Property(tries = 100)
  void noGroupIsEmpty(
      @ForAll @IntRange(min = 1, max = 8) int groups,
      @ForAll @IntRange(max = 12) int more,
      @ForAll @IntRange(max = 3) int kinds,
      @ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] vectors = new double[groups + more][];
    for (int i = 0; i < vectors.length; i++) {
      // few kinds: many vectors are equal, and some are zero
      vectors[i] =
          kinds == 0
              ? new double[] {random.nextGaussian(), random.nextGaussian()}
              : new double[] {random.nextInt(kinds), random.nextInt(kinds)};
    }

    int[] group = DirectionClustering.cluster(vectors, groups, seed);

    assertThat(Arrays.stream(group).distinct().sorted())
        .containsExactlyElementsOf(IntStream.range(0, groups).boxed().toList());
  }

  @Test
  void repeatsWithItsSeed() {
    SplittableRandom random = new SplittableRandom(5);
    double[][] vectors = new double[60][];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = new double[] {random.nextGaussian(), random.nextGaussian(), 1};
    }

    assertThat(DirectionClustering.cluster(vectors, 5, 7))
        .containsExactly(DirectionClustering.cluster(vectors, 5, 7));
  }
}
