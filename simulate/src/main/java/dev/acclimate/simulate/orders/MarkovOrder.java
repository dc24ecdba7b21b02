package dev.acclimate.simulate.orders;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;

/**
 * Labels as a Markov chain: the next one equals the last with a fixed probability, else it is
 * another class, in proportion to the samples that are left of it. Where either choice has no
 * samples left, the other is taken. Samples within a class are shuffled first.
 */
final class MarkovOrder {

  private final double stay;

  /**
   * A chain.
   *
   * @param stay probability that the next label equals the last, 0 to 1
   */
  MarkovOrder(double stay) {
    this.stay = stay;
  }

  /** Indices into {@code labels}, each once. */
  int[] arrange(int[] labels, SeededRandom random) {
    List<int[]> classes = Order.byClass(labels);
    classes.forEach(random::shuffle);
    int[] left = classes.stream().mapToInt(samples -> samples.length).toArray();
    int[] order = new int[labels.length];
    int last = -1;
    for (int i = 0; i < order.length; i++) {
      int ofLast = last < 0 ? 0 : left[last];
      int ofOthers = order.length - i - ofLast;
      boolean stays = ofOthers == 0 || (ofLast > 0 && random.nextDouble() < stay);
      if (!stays) {
        last = another(left, last, random.nextInt(ofOthers));
      }
      order[i] = classes.get(last)[--left[last]];
    }
    return order;
  }

  /** The class, other than {@code last}, that holds the {@code rank}-th of the samples left. */
  private static int another(int[] left, int last, int rank) {
    int before = 0;
    for (int c = 0; c < left.length; c++) {
      before += c == last ? 0 : left[c];
      if (rank < before) {
        return c;
      }
    }
    throw new IllegalStateException("rank " + rank + " of " + before + " samples");
  }
}
