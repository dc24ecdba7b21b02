package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import dev.acclimate.simulate.scenarios.Scenario;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * An image set replayed under drift: every image once per domain (in a smooth stream: once on the
 * way from one to the next), each time as the domain shows it.
 *
 * <p>Where domains come one by one, a domain's order depends on the seed, its kind, severity and
 * round, not on the domains around it, so that a figure for one corruption is the same whichever
 * others a run includes. Reading is repeatable: give every method the same stream.
 */
public final class DomainStream {
  /** From one domain to the next in a smooth stream: 5/32 of a severity each at severity 5. */
  private static final int SMOOTH_STEPS = 32;

  private final List<Segment> segments;

  private DomainStream(List<Segment> segments) {
    this.segments = List.copyOf(segments);
    Domain first = segments.get(0).domains().get(0);
    for (Segment segment : segments) {
      for (Domain domain : segment.domains()) {
        if (!domain.images().shape().equals(first.images().shape())) {
          throw new InvalidInputException(
              "domains: expected samples of one shape, found %s of %s and %s of %s"
                  .formatted(
                      first.images().shape(),
                      first.name(),
                      domain.images().shape(),
                      domain.name()));
        }
      }
    }
  }

  /**
   * Lays out a scenario; samples are read only when a batch is asked for.
   *
   * @param seed of everything random
   * @throws InvalidInputException if the data has not the domains or classes that the scenario
   *     names, domains of the data's own are to be applied one after another, or the preprocessing
   *     does not fit
   */
  public static DomainStream of(
      Scenario scenario, DomainKinds kinds, Preprocessing preprocessing, long seed) {
    return new DomainStream(new ScenarioLayout(scenario, kinds, preprocessing, seed).segments());
  }

  /**
   * Lays out the segments; pixels are read only when a batch is asked for.
   *
   * @param kinds of domains, in order; images of one shape
   * @param preprocessing from pixels to what the model reads; where the set holds model inputs,
   *     only its layout counts
   * @throws InvalidInputException if a set has no pixels to corrupt, the preprocessing does not fit
   *     its channels, shapes differ, or a smooth stream is to blend domains that a set itself holds
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
          case SMOOTH -> smooth(kinds, preprocessing, options);
        });
  }

  /**
   * The images that a scenario begins with; those of its other segments have the same shape.
   *
   * @throws InvalidInputException if the first segment names a domain that there is not
   */
  public static ImageSet example(Scenario scenario, DomainKinds kinds, long seed) {
    return ScenarioLayout.example(scenario, kinds, seed);
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

  private static List<Segment> smooth(
      List<DomainKind> kinds, Preprocessing preprocessing, StreamOptions options) {
    List<DomainKind> path = new ArrayList<>(kinds);
    if (path.size() == 1) {
      path.add(0, kinds.get(0).untouched());
    }
    List<String> names = new ArrayList<>();
    Map<String, Integer> visits = new HashMap<>();
    List<Segment> segments = new ArrayList<>();
    for (int leg = 0; leg + 1 < path.size(); leg++) {
      DomainKind from = path.get(leg);
      DomainKind to = path.get(leg + 1);
      String pair = from + " to " + to;
      int visit = visits.merge(pair, 1, Integer::sum);
      if (visit == 1) {
        names.add(pair);
      }
      String name = visit == 1 ? pair : pair + " (" + visit + ")";
      List<Domain> steps = walk(name, names.indexOf(pair), from, to, options.severity());
      ImageSet images = steps.get(0).images();
      int[] samples = arrange(images.labels(), options, seed(options, pair, visit));
      int last = Math.max(1, samples.length - 1);
      int[] domainAt = new int[samples.length];
      Arrays.setAll(
          domainAt, position -> (int) Math.round((double) position * SMOOTH_STEPS / last));
      segments.add(
          new Segment(
              name,
              segments.isEmpty(),
              steps,
              domainAt,
              samples,
              new int[0],
              preprocessing.on(images)));
    }
    return segments;
  }

  /** The steps from one domain to another, both ends included. */
  private static List<Domain> walk(
      String name, int task, DomainKind from, DomainKind to, double severity) {
    return IntStream.rangeClosed(0, SMOOTH_STEPS)
        .mapToObj(
            step -> {
              boolean clean = (from.clean() || step == SMOOTH_STEPS) && (to.clean() || step == 0);
              double part = (double) step / SMOOTH_STEPS;
              return new Domain(name, task, clean, DomainKind.between(from, to, part, severity));
            })
        .toList();
  }

  private static int[] arrange(int[] labels, StreamOptions options, long seed) {
    return options.order().arrange(labels, options.seed(), seed);
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
