package dev.acclimate.agent;

import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.util.function.Function;

/**
 * A stream that a command is asked for, before data are read.
 *
 * @param order what results call the order of its samples
 * @param domains what results call its schedule
 * @param example the samples of its first domain, from which shape and size are known
 * @param layout lays it out
 */
record StreamPlan(
    String order, String domains, Function<DomainKinds, ImageSet> example, Layout layout) {

  /** Lays a stream out. */
  @FunctionalInterface
  interface Layout {
    /**
     * The stream.
     *
     * @param seed of everything random
     */
    DomainStream of(DomainKinds kinds, Preprocessing preprocessing, long seed);
  }
}
