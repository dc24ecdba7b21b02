package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.JournaledStates.JournaledState;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which streams a command concerns. */
final class StateSelection {
  private static final int SHOWN = 5;

  @Option(
      names = "--stream",
      paramLabel = "KEY",
      description = "The stream of that record key, as sent or as shown by state list.")
  private @Nullable String stream;

  @Option(
      names = "--partition",
      paramLabel = "N",
      description = "Streams of that partition of the topic in.")
  private @Nullable Integer partition;

  /** True when all streams of a lane are meant, whatever they are. */
  boolean wholeLanes() {
    return stream == null;
  }

  /**
   * The streams that are meant.
   *
   * @param in the topic in
   * @throws InvalidInputException when there is none
   */
  List<JournaledState> of(List<JournaledState> all, String in) {
    List<JournaledState> found =
        all.stream()
            .filter(state -> partition == null || state.lane().equals(in + "-" + partition))
            .filter(state -> stream == null || state.isOf(stream))
            .toList();
    if (found.isEmpty()) {
      throw new InvalidInputException(
          "expected " + wanted() + " in the state topic, found " + names(all));
    }
    return found;
  }

  /**
   * The one stream that is meant.
   *
   * @throws InvalidInputException when there is none, or more than one
   */
  JournaledState oneOf(List<JournaledState> all, String in) {
    List<JournaledState> found = of(all, in);
    if (found.size() > 1) {
      throw new InvalidInputException(
          "expected one stream, found "
              + names(found)
              + ": say which with --stream and --partition");
    }
    return found.get(0);
  }

  private String wanted() {
    return (stream == null ? "a stream" : "stream " + stream)
        + (partition == null ? "" : " of partition " + partition);
  }

  private static String names(List<JournaledState> states) {
    String shown =
        states.stream()
            .limit(SHOWN)
            .map(state -> state.display() + " of " + state.lane())
            .collect(Collectors.joining(", "));
    int more = states.size() - SHOWN;
    return states.isEmpty() ? "none" : more > 0 ? shown + " and " + more + " more" : shown;
  }
}
