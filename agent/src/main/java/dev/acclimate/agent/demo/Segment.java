package dev.acclimate.agent.demo;

import dev.acclimate.simulate.Domain;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.corruptions.Corruption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One domain's stretch of the stream.
 *
 * @param name the domain's, told apart where it comes again
 * @param clean true where nothing is done to the images
 * @param first number of its first sample within the stream
 * @param size number of its samples
 */
public record Segment(String name, boolean clean, int first, int size) {

  /** The stretches of a stream, in order. */
  public static List<Segment> of(DomainStream stream) {
    List<Segment> segments = new ArrayList<>();
    Map<String, Integer> visits = new HashMap<>();
    int first = 0;
    for (Domain domain : stream.domains()) {
      boolean clean = domain.shift().corruption() == Corruption.NONE;
      int visit = visits.merge(domain.name(), 1, Integer::sum);
      segments.add(new Segment(domain.name() + again(visit), clean, first, domain.size()));
      first += domain.size();
    }
    return List.copyOf(segments);
  }

  private static String again(int visit) {
    return switch (visit) {
      case 1 -> "";
      case 2 -> " (again)";
      default -> " (visit " + visit + ")";
    };
  }
}
