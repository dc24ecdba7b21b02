package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import dev.acclimate.simulate.scenarios.Ramp;
import dev.acclimate.simulate.scenarios.Scenario;
import dev.acclimate.simulate.scenarios.ScenarioSegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Lays out the segments of a scenario. What comes in a segment hangs on the seed, its name and how
 * often that came before, not on the segments around it.
 */
final class ScenarioLayout {
  /** Steps of a ramp to a whole severity. */
  private static final int STEPS = 8;

  private static final long MOST_SAMPLES = 100_000_000;

  private final Scenario scenario;
  private final DomainKinds kinds;
  private final Preprocessing preprocessing;
  private final long seed;
  private final List<String> names;
  private final Map<String, Integer> visits = new HashMap<>();

  ScenarioLayout(Scenario scenario, DomainKinds kinds, Preprocessing preprocessing, long seed) {
    this.scenario = scenario;
    this.kinds = kinds;
    this.preprocessing = preprocessing;
    this.seed = seed;
    this.names = scenario.segments().stream().map(ScenarioSegment::name).distinct().toList();
  }

  List<Segment> segments() {
    List<Segment> segments = new ArrayList<>();
    long size = 0;
    for (int i = 0; i < scenario.segments().size(); i++) {
      try {
        segments.add(segment(scenario.segments().get(i), i == 0));
      } catch (InvalidInputException e) {
        throw in(scenario, scenario.segments().get(i), e);
      }
      size += segments.get(i).size();
      if (size > MOST_SAMPLES) {
        throw new InvalidInputException(
            "scenario %s: expected at most %,d samples in all, found more"
                .formatted(scenario.name(), MOST_SAMPLES));
      }
    }
    return segments;
  }

  private static InvalidInputException in(
      Scenario scenario, ScenarioSegment told, InvalidInputException cause) {
    return new InvalidInputException(
        "scenario %s: %s: %s".formatted(scenario.name(), told.name(), cause.getMessage()), cause);
  }

  /** The images of the first segment; those of the others have the same shape. */
  static ImageSet example(Scenario scenario, DomainKinds kinds, long seed) {
    ScenarioSegment first = scenario.segments().get(0);
    try {
      return kinds.kind(first.domains().get(0), seed).at(first.severities().get(0).from());
    } catch (InvalidInputException e) {
      throw in(scenario, first, e);
    }
  }

  private Segment segment(ScenarioSegment told, boolean first) {
    int visit = visits.merge(told.name(), 1, Integer::sum);
    String name = visit == 1 ? told.name() : told.name() + " (" + visit + ")";
    List<Domain> levels = levels(told, name);
    ImageSet images = levels.get(0).images();
    int[] samples = samples(told, images, visit);
    int[] domainAt = new int[samples.length];
    Arrays.setAll(domainAt, position -> (int) ((long) position * levels.size() / samples.length));
    return new Segment(
        name,
        first || told.reset(),
        levels,
        domainAt,
        samples,
        told.batchSizes().stream().mapToInt(Integer::intValue).toArray(),
        preprocessing.on(images),
        told.gap(),
        told.arrivals());
  }

  /** The domain from the start of its ramps to their end. */
  private List<Domain> levels(ScenarioSegment told, String name) {
    int task = names.indexOf(told.name());
    List<DomainKind> chain =
        told.domains().stream().map(domain -> kinds.kind(domain, seed)).toList();
    int steps = steps(told, chain);
    List<Domain> levels = new ArrayList<>();
    for (int step = 0; step <= steps; step++) {
      double part = steps == 0 ? 0 : (double) step / steps;
      List<Double> severities = told.severities().stream().map(ramp -> ramp.at(part)).toList();
      boolean clean =
          IntStream.range(0, chain.size())
              .allMatch(i -> chain.get(i).clean() || severities.get(i) == 0);
      levels.add(new Domain(name, task, clean, DomainKind.chained(chain, severities)));
    }
    return levels;
  }

  /** In eighths of a severity; domains of the data's own have whole ones only. */
  private static int steps(ScenarioSegment told, List<DomainKind> chain) {
    double highest = told.severities().stream().mapToDouble(Ramp::height).max().orElse(0);
    return (int) Math.ceil(highest * (chain.get(0).wholeSeverities() ? 1 : STEPS));
  }

  private int[] samples(ScenarioSegment told, ImageSet images, int visit) {
    int[] eligible = eligible(told, images);
    int[] labels = Arrays.stream(eligible).map(images::label).toArray();
    long name = told.name().hashCode();
    long tailSeed = SeededRandom.of(seed, name).nextLong();
    IntStream.Builder all = IntStream.builder();
    int count = 0;
    int wanted = told.samples() == null ? Integer.MAX_VALUE : told.samples();
    for (int pass = 0; count < wanted && (pass == 0 || told.samples() != null); pass++) {
      long passSeed = SeededRandom.of(seed, name, visit, told.stuck() ? 0 : pass).nextLong();
      int[] arranged = told.order().arrange(labels, tailSeed, passSeed);
      for (int i = 0; i < arranged.length && count < wanted; i++, count++) {
        all.add(eligible[arranged[told.stuck() ? 0 : i]]);
      }
    }
    return all.build().toArray();
  }

  /** Samples of the classes that come. */
  private static int[] eligible(ScenarioSegment told, ImageSet images) {
    boolean[] comes = new boolean[images.classes().size()];
    told.classes().forEach(text -> comes[number(text, images)] = true);
    int[] eligible =
        IntStream.range(0, images.size())
            .filter(sample -> told.classes().isEmpty() || comes[images.label(sample)])
            .toArray();
    if (eligible.length == 0) {
      throw new InvalidInputException(
          "classes: expected some that %s has samples of, found %s"
              .formatted(images.name(), told.classes()));
    }
    return eligible;
  }

  private static int number(String text, ImageSet images) {
    int named = images.classes().indexOf(text);
    if (named >= 0) {
      return named;
    }
    try {
      int number = Integer.parseInt(text);
      if (number >= 0 && number < images.classes().size()) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new InvalidInputException(
        "classes: expected numbers from 0 to %d or names out of %s, found \"%s\""
            .formatted(images.classes().size() - 1, images.classes(), text));
  }
}
