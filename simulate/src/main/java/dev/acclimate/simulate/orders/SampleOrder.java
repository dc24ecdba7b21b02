package dev.acclimate.simulate.orders;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which samples of a domain arrive, and in which order.
 *
 * @param kind of order
 * @param delta concentration of {@link Order#DIRICHLET}, above 0; small means long bursts of a
 *     class; the others ignore it
 * @param stay probability, 0 to 1, that in {@link Order#MARKOV} the next label equals the last, so
 *     that a class lasts for about 1 / (1 - stay) samples; the others ignore it
 * @param imbalance how many times more of its samples the most frequent class keeps than the rarest
 *     one, at least 1 (all classes keep all), see {@link LongTail}
 */
public record SampleOrder(Order kind, double delta, double stay, double imbalance) {

  /** The concentration that published CIFAR-10 streams use. */
  public static final double DEFAULT_DELTA = 0.1;

  public static final double DEFAULT_STAY = 0.95;

  public static final double DEFAULT_IMBALANCE = 1;

  /**
   * Checks the values.
   *
   * @throws InvalidInputException if one is out of its range
   */
  public SampleOrder {
    if (!(delta > 0) || Double.isInfinite(delta)) {
      throw new InvalidInputException("delta: expected a number above 0, found " + delta);
    }
    if (!(stay >= 0 && stay <= 1)) {
      throw new InvalidInputException("stay: expected a probability, 0 to 1, found " + stay);
    }
    if (!(imbalance >= 1) || Double.isInfinite(imbalance)) {
      throw new InvalidInputException(
          "imbalance: expected a number of at least 1, found " + imbalance);
    }
  }

  /** An order with the defaults. */
  public static SampleOrder of(Order kind) {
    return new SampleOrder(kind, DEFAULT_DELTA, DEFAULT_STAY, DEFAULT_IMBALANCE);
  }

  /**
   * Chooses and orders samples.
   *
   * @param labels {@code [N]}, the class of each sample
   * @param tailSeed decides which classes are rare and which of their samples stay: one for all
   *     domains of a stream, so that labels do not shift from domain to domain
   * @param seed of the order
   * @return {@code [M]}, indices into {@code labels}, each at most once; M is N without imbalance
   */
  public int[] arrange(int[] labels, long tailSeed, long seed) {
    int[] kept = new LongTail(imbalance).keep(labels, tailSeed);
    int[] keptLabels = Arrays.stream(kept).map(i -> labels[i]).toArray();
    return Arrays.stream(order(keptLabels, seed)).map(i -> kept[i]).toArray();
  }

  private int[] order(int[] labels, long seed) {
    SeededRandom random = SeededRandom.of(seed, kind.id().hashCode());
    int[] indices = IntStream.range(0, labels.length).toArray();
    return switch (kind) {
      case IID -> {
        random.shuffle(indices);
        yield indices;
      }
      case DIRICHLET -> new DirichletOrder(delta).arrange(labels, random);
      case MARKOV -> new MarkovOrder(stay).arrange(labels, random);
      case SORTED -> {
        List<int[]> classes = Order.byClass(labels);
        yield classes.stream().flatMapToInt(Arrays::stream).toArray();
      }
      case AS_IS -> indices;
    };
  }
}
