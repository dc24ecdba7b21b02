package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * An image set replayed under drift: once per domain, each time shifted in its own way and in its
 * own order; where domains recur, once per domain and round.
 *
 * <p>A domain's order depends on the seed, its shift and the round, not on the domains around it,
 * so that a figure for one corruption is the same whichever others a run includes. Reading is
 * repeatable: give every method the same stream.
 */
public final class DomainStream {

  private final ImageSet images;
  private final List<Domain> domains;

  private DomainStream(ImageSet images, List<Domain> domains) {
    this.images = images;
    this.domains = List.copyOf(domains);
  }

  /**
   * Lays out the domains; pixels are read only when a batch is asked for.
   *
   * @param images replayed once per domain
   * @param preprocessing from pixels to what the model reads; where the set holds model inputs,
   *     only its layout counts
   * @throws InvalidInputException if the set has no pixels to corrupt, the preprocessing does not
   *     fit its channels, or delta is not above 0
   */
  public static DomainStream of(
      ImageSet images, Preprocessing preprocessing, StreamOptions options) {
    Preprocessing fitting = preprocessing.on(images);
    int[] labels = images.labels();
    List<Domain> domains = new ArrayList<>();
    List<Corrupter> corrupters =
        options.shifts().stream()
            .map(shift -> Corrupter.of(shift, images, options.seed()))
            .toList();
    for (int round = 1; round <= options.passes(); round++) {
      for (int task = 0; task < corrupters.size(); task++) {
        Corrupter corrupter = corrupters.get(task);
        long seed = seed(options.seed(), corrupter.shifts().get(0), round);
        domains.add(
            new Domain(
                images,
                fitting,
                corrupter,
                options.order().arrange(labels, options.delta(), seed),
                options.schedule().resetsBefore(domains.size()),
                task,
                round));
      }
    }
    return new DomainStream(images, domains);
  }

  private static long seed(long seed, Shift shift, int round) {
    long first =
        SeededRandom.of(seed, shift.corruption().id().hashCode(), shift.pathSeverity()).nextLong();
    return round == 1 ? first : SeededRandom.of(first, round).nextLong();
  }

  /** Where the samples come from. */
  public ImageSet images() {
    return images;
  }

  /** The domains in the order they are met. */
  public List<Domain> domains() {
    return domains;
  }

  /** Samples in all domains together. */
  public long size() {
    return domains.stream().mapToLong(Domain::size).sum();
  }
}
