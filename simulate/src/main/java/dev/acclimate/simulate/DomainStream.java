package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * An image set replayed under drift: every image once per domain, each time as the domain shows it.
 *
 * <p>Where domains come one by one, a domain's order depends on the seed, its kind, severity and
 * round, not on the domains around it, so that a figure for one corruption is the same whichever
 * others a run includes. Reading is repeatable: give every method the same stream.
 */
public final class DomainStream {
  private final List<Segment> segments;

  private DomainStream(List<Segment> segments) {
    this.segments = List.copyOf(segments);
  }

  /**
   * Lays out the segments; pixels are read only when a batch is asked for.
   *
   * @param kinds of domains, in order; images of one shape
   * @param preprocessing from pixels to what the model reads; where the set holds model inputs,
   *     only its layout counts
   * @throws InvalidInputException if a set has no pixels to corrupt, the preprocessing does not fit
   *     its channels, shapes differ, or delta is not above 0
   */
  public static DomainStream of(
      List<DomainKind> kinds, Preprocessing preprocessing, StreamOptions options) {
    if (kinds.isEmpty()) {
      throw new InvalidInputException("domains: expected at least one, found none");
    }
    return new DomainStream(
        switch (options.schedule()) {
          case SINGLE, CONTINUAL, RECURRING -> oneByOne(kinds, preprocessing, options);
          case MIXED -> List.of(mixed(kinds, preprocessing, options));
          case GRADUAL -> gradual(kinds, preprocessing, options);
          case SMOOTH ->
              throw new InvalidInputException(
                  "domains: smooth cannot be made yet; use gradual, or another schedule");
        });
  }

  private static List<Segment> oneByOne(
      List<DomainKind> kinds, Preprocessing preprocessing, StreamOptions options) {
    List<String> names = kinds.stream().map(DomainKind::name).distinct().toList();
    Map<String, ImageSet> looks = new HashMap<>();
    Map<String, Integer> visits = new HashMap<>();
    List<Segment> segments = new ArrayList<>();
    for (int pass = 0; pass < options.passes(); pass++) {
      for (DomainKind kind : kinds) {
        int visit = visits.merge(kind.name(), 1, Integer::sum);
        ImageSet images = looks.computeIfAbsent(kind.name(), unseen -> kind.at(options.severity()));
        String name = visit == 1 ? kind.name() : kind.name() + " (" + visit + ")";
        Domain domain = new Domain(name, names.indexOf(kind.name()), kind.clean(), images);
        boolean reset = segments.isEmpty() || options.schedule() == DomainSchedule.SINGLE;
        int[] samples = arrange(images.labels(), options, seed(options, kind.name(), visit));
        segments.add(Segment.of(domain, reset, samples, preprocessing.on(images)));
      }
    }
    return segments;
  }

  private static Segment mixed(
      List<DomainKind> kinds, Preprocessing preprocessing, StreamOptions options) {
    List<Domain> domains =
        IntStream.range(0, kinds.size())
            .mapToObj(
                task -> {
                  DomainKind kind = kinds.get(task);
                  return new Domain(kind.name(), task, kind.clean(), kind.at(options.severity()));
                })
            .toList();
    int size = domains.stream().mapToInt(domain -> domain.images().size()).sum();
    int longest = domains.stream().mapToInt(domain -> domain.images().size()).max().orElse(0);
    int[] domainOf = new int[size];
    int[] sampleOf = new int[size];
    int[] labels = new int[size];
    // pass by pass over the images, each in a domain that it was not seen in yet
    int[][] turns = new int[longest][];
    for (int sample = 0; sample < longest; sample++) {
      turns[sample] = IntStream.range(0, domains.size()).toArray();
      SeededRandom.of(options.seed(), "mixed".hashCode(), sample).shuffle(turns[sample]);
    }
    int count = 0;
    for (int pass = 0; pass < domains.size(); pass++) {
      for (int sample = 0; sample < longest; sample++) {
        int domain = turns[sample][pass];
        ImageSet images = domains.get(domain).images();
        if (sample < images.size()) {
          domainOf[count] = domain;
          sampleOf[count] = sample;
          labels[count++] = images.label(sample);
        }
      }
    }
    int[] order = arrange(labels, options, seed(options, "mixed", 1));
    return new Segment(
        DomainSchedule.MIXED.id(),
        true,
        domains,
        Arrays.stream(order).map(i -> domainOf[i]).toArray(),
        Arrays.stream(order).map(i -> sampleOf[i]).toArray(),
        new int[0],
        preprocessing.on(domains.get(0).images()));
  }

  private static List<Segment> gradual(
      List<DomainKind> kinds, Preprocessing preprocessing, StreamOptions options) {
    List<Segment> segments = new ArrayList<>();
    int peak = options.severity();
    int steps = 2 * peak - 1;
    for (int task = 0; task < kinds.size(); task++) {
      DomainKind kind = kinds.get(task);
      int index = task;
      List<Domain> bySeverity =
          IntStream.rangeClosed(1, kind.clean() ? 1 : peak)
              .mapToObj(severity -> new Domain(kind.name(), index, kind.clean(), kind.at(severity)))
              .toList();
      ImageSet images = bySeverity.get(0).images();
      int[] samples = arrange(images.labels(), options, seed(options, kind.name(), 1));
      int[] domainAt = new int[samples.length];
      if (!kind.clean()) {
        Arrays.setAll(
            domainAt,
            position -> {
              int step = (int) ((long) position * steps / samples.length);
              return Math.min(step, steps - 1 - step);
            });
      }
      segments.add(
          new Segment(
              kind.name(),
              segments.isEmpty(),
              bySeverity,
              domainAt,
              samples,
              new int[0],
              preprocessing.on(images)));
    }
    return segments;
  }

  private static int[] arrange(int[] labels, StreamOptions options, long seed) {
    return options.order().arrange(labels, options.delta(), seed);
  }

  /** Visits of a domain after the first come in another order. */
  private static long seed(StreamOptions options, String kind, int visit) {
    long first = SeededRandom.of(options.seed(), kind.hashCode(), options.severity()).nextLong();
    return visit == 1 ? first : SeededRandom.of(first, visit).nextLong();
  }

  /** The images of the first domain; those of the others have the same shape. */
  public ImageSet images() {
    return segments.get(0).domains().get(0).images();
  }

  /** The segments in the order they are met. */
  public List<Segment> segments() {
    return segments;
  }

  /** The largest batch that any segment asks for. */
  int largestBatch(int wanted) {
    return segments.stream().mapToInt(segment -> segment.largestBatch(wanted)).max().orElse(0);
  }

  /** Samples in all segments together. */
  public long size() {
    return segments.stream().mapToLong(Segment::size).sum();
  }
}
