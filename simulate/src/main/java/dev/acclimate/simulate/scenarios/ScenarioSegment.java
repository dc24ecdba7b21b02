package dev.acclimate.simulate.scenarios;

import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.orders.SampleOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of a {@link Scenario}.
 *
 * @param name of its domain in reports; segments of one name show the same domain again
 * @param domains what is done to the samples, one after another: corruptions, or a single domain of
 *     the data's own
 * @param severities one a domain
 * @param order which samples come, and how
 * @param classes those that come, by number or name; empty for all
 * @param stuck whether the first of its samples comes again and again
 * @param samples how many come: the set again and again where it has less; null for as many as the
 *     set has, once
 * @param batchSizes of its batches in turn; empty for the run's
 * @param reset whether a model forgets its state before it
 * @param gap seconds without arrivals before it
 * @param arrivals of its samples; null for the run's
 */
public record ScenarioSegment(
    String name,
    List<String> domains,
    List<Ramp> severities,
    SampleOrder order,
    List<String> classes,
    boolean stuck,
    @Nullable Integer samples,
    List<Integer> batchSizes,
    boolean reset,
    double gap,
    @Nullable Arrivals arrivals) {

  /** The largest batch that makes sense; beyond it a mistyped number is likelier. */
  public static final int LARGEST_BATCH = 4096;

  public ScenarioSegment {
    domains = List.copyOf(domains);
    severities = List.copyOf(severities);
    classes = List.copyOf(classes);
    batchSizes = List.copyOf(batchSizes);
    if (domains.isEmpty() || domains.size() != severities.size()) {
      throw new IllegalArgumentException(
          "expected a severity a domain, found %s of %s".formatted(severities, domains));
    }
  }
}
