package dev.acclimate.simulate.orders;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Long-tailed classes (Cui et al., CVPR 2019, "Class-balanced loss based on effective number of
 * samples"): the most frequent class keeps all its samples, the rarest one 1 / imbalance of them,
 * and those between a share that falls exponentially. Every class keeps at least one.
 *
 * @param imbalance at least 1
 */
record LongTail(double imbalance) {

  /** Indices into {@code labels} of what is kept, ascending; the seed draws the classes' ranks. */
  int[] keep(int[] labels, long seed) {
    if (imbalance == 1) {
      return IntStream.range(0, labels.length).toArray();
    }
    SeededRandom random = SeededRandom.of(seed, "long tail".hashCode());
    List<int[]> classes = Order.byClass(labels);
    int[] byRank = IntStream.range(0, classes.size()).toArray();
    random.shuffle(byRank);
    IntStream.Builder kept = IntStream.builder();
    for (int rank = 0; rank < byRank.length; rank++) {
      int[] samples = classes.get(byRank[rank]);
      random.shuffle(samples);
      Arrays.stream(samples).limit(count(samples.length, rank, byRank.length)).forEach(kept);
    }
    return kept.build().sorted().toArray();
  }

  private long count(int samples, int rank, int classes) {
    double share = Math.pow(imbalance, -rank / (double) Math.max(1, classes - 1));
    return Math.max(1, Math.round(samples * share));
  }
}
