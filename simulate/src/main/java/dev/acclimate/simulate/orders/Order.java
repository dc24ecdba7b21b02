package dev.acclimate.simulate.orders;

import dev.acclimate.models.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The kinds of order in which the samples of a domain arrive. */
public enum Order {
  /** At random. */
  IID("iid"),
  /** In bursts of a class, see {@link DirichletOrder}. */
  DIRICHLET("dirichlet"),
  /** Each label likely to equal the last, see {@link MarkovOrder}. */
  MARKOV("markov"),
  /** Class by class, each in the order of the data. */
  SORTED("sorted"),
  /** As the data has them. */
  AS_IS("as-is");

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
