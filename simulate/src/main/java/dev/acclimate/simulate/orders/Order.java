package dev.acclimate.simulate.orders;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** In which order the samples of a domain arrive. Every sample comes exactly once. */
public enum Order {
  /** At random. */
  IID("iid"),
  /** In bursts of a class, see {@link DirichletOrder}. */
  DIRICHLET("dirichlet"),
  /** Class by class, each in the order of the data. */
  SORTED("sorted"),
  /** As the data has them. */
  AS_IS("as-is");

  /** The concentration that published CIFAR-10 streams use. */
  public static final double DEFAULT_DELTA = 0.1;

  private final String id;

  Order(String id) {
    this.id = id;
  }

  /** The name in flags and reports, for example {@code as-is}. */
  public String id() {
    return id;
  }

  /**
   * Finds an order by its name.
   *
   * @throws InvalidInputException if there is no such order; the message lists those there are
   */
  public static Order parse(String id) {
    for (Order order : values()) {
      if (order.id.equals(id)) {
        return order;
      }
    }
    throw new InvalidInputException(
        "order: expected one of %s, found \"%s\""
            .formatted(
                Arrays.stream(values()).map(Order::id).collect(Collectors.joining(", ")), id));
  }

  /**
   * Orders samples.
   *
   * @param labels {@code [N]}, the class of each sample
   * @param delta concentration of {@link #DIRICHLET}, above 0; the others ignore it
   * @param seed of everything random
   * @return {@code [N]}, indices into {@code labels}
   * @throws InvalidInputException if delta is not above 0 for {@link #DIRICHLET}
   */
  public int[] arrange(int[] labels, double delta, long seed) {
    SeededRandom random = SeededRandom.of(seed, id.hashCode());
    int[] indices = IntStream.range(0, labels.length).toArray();
    switch (this) {
      case IID -> random.shuffle(indices);
      case DIRICHLET -> {
        return new DirichletOrder(delta).arrange(labels, random);
      }
      case SORTED -> {
        List<int[]> classes = byClass(labels);
        return classes.stream().flatMapToInt(Arrays::stream).toArray();
      }
      case AS_IS -> {
        // nothing to do
      }
    }
    return indices;
  }

  /** The samples of each class that occurs, classes and samples ascending. */
  static List<int[]> byClass(int[] labels) {
    return IntStream.range(0, labels.length)
        .boxed()
        .collect(Collectors.groupingBy(i -> labels[i], TreeMap::new, Collectors.toList()))
        .values()
        .stream()
        .map(samples -> samples.stream().mapToInt(Integer::intValue).toArray())
        .toList();
  }

  @Override
  public String toString() {
    return id;
  }
}
