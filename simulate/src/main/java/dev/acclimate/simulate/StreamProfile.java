package dev.acclimate.simulate;

import dev.acclimate.adapters.ShiftMeter;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.data.Values;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What the domains of a stream look like, to people and to the untouched model.
 *
 * @param shape of a sample
 * @param values what its numbers are
 * @param sites names of the normalization sites that were measured, in graph order; empty where the
 *     model has none with a spatial axis
 * @param measured at most so many samples of each domain, spread evenly over it
 * @param domains in the order in which they come, each once however often it recurs
 */
public record StreamProfile(
    ImageShape shape,
    Values values,
    List<String> sites,
    int measured,
    List<DomainProfile> domains) {

  /** Enough for a domain's channel statistics to a few hundredths of a deviation. */
  private static final int MEASURED = 256;

  private static final int SHOWN = 8;

  public StreamProfile {
    sites = List.copyOf(sites);
    domains = List.copyOf(domains);
  }

  /** A domain's positions in the segment where it first comes. */
  @SuppressWarnings("ArrayRecordComponent") // compared by no one
  private record Visit(Segment segment, String domain, int[] positions) {}

  /**
   * Looks at a stream.
   *
   * @throws InvalidInputException when the model does not take these samples
   */
  public static StreamProfile of(
      OnnxModel model,
      Preprocessing preprocessing,
      DomainStream stream,
      SessionSettings session,
      SimulationProgress progress) {
    List<Visit> visits = firstVisits(stream);
    List<DomainProfile> domains = new ArrayList<>();
    List<String> sites = List.of();
    if (NormalizationSites.find(model).stream().anyMatch(NormalizationSite::isSpatial)) {
      try (ShiftMeter meter = ShiftMeter.open(model, Simulation.oneThreadUnlessAsked(session))) {
        sites = meter.sites();
        for (int i = 0; i < visits.size(); i++) {
          Visit visit = visits.get(i);
          List<Double> shifts = shifts(model, preprocessing, meter, visit);
          domains.add(new DomainProfile(visit.domain, samples(visit), shifts));
          progress.update("measuring shifts", i + 1, visits.size());
        }
      }
    } else {
      visits.forEach(
          visit -> domains.add(new DomainProfile(visit.domain, samples(visit), List.of())));
    }
    return new StreamProfile(
        stream.images().shape(), stream.images().values(), sites, MEASURED, domains);
  }

  private static List<Visit> firstVisits(DomainStream stream) {
    List<Visit> visits = new ArrayList<>();
    Set<Integer> seen = new HashSet<>();
    for (Segment segment : stream.segments()) {
      for (Domain domain : segment.domains()) {
        if (seen.add(domain.task())) {
          int[] positions =
              IntStream.range(0, segment.size())
                  .filter(position -> segment.domain(position).task() == domain.task())
                  .toArray();
          if (positions.length > 0) {
            visits.add(new Visit(segment, domain.name(), positions));
          }
        }
      }
    }
    return visits;
  }

  private static List<Double> shifts(
      OnnxModel model, Preprocessing preprocessing, ShiftMeter meter, Visit visit) {
    int count = Math.min(MEASURED, visit.positions.length);
    int[] chosen =
        IntStream.range(0, count)
            .map(i -> visit.positions[(int) ((long) i * visit.positions.length / count)])
            .toArray();
    meter.clear();
    ModelFeed.feed(
        model,
        visit.segment.only(chosen),
        preprocessing.layout(),
        (inputs, from, samples) -> meter.add(inputs));
    return meter.isEmpty() ? List.of() : Arrays.stream(meter.shifts()).boxed().toList();
  }

  /**
   * The same images in every domain, so that they can be told apart by what is done to them. Where
   * a domain changes as it goes they come in the order of the stream, else in that of the set. Some
   * others where none of them comes.
   */
  private static List<float[]> samples(Visit visit) {
    Segment segment = visit.segment;
    int size = segment.domain(visit.positions[0]).images().size();
    int count = Math.min(SHOWN, size);
    Set<Integer> wanted = new HashSet<>();
    IntStream.range(0, count).forEach(i -> wanted.add((int) ((long) i * size / count)));
    List<Integer> positions =
        new ArrayList<>(
            IntStream.of(visit.positions)
                .filter(position -> wanted.contains(segment.sample(position)))
                .limit(SHOWN)
                .boxed()
                .toList());
    if (positions.isEmpty()) {
      IntStream.of(visit.positions).limit(SHOWN).forEach(positions::add);
    }
    boolean changes =
        IntStream.of(visit.positions).mapToObj(segment::domain).distinct().limit(2).count() > 1;
    if (!changes) {
      positions.sort(Comparator.comparing(segment::sample));
    }
    return positions.stream().map(position -> read(segment, position)).toList();
  }

  private static float[] read(Segment segment, int position) {
    float[] chw = new float[segment.domain(position).images().shape().size()];
    segment.domain(position).images().read(segment.sample(position), chw);
    return chw;
  }
}
