package dev.acclimate.agent.admin;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.models.InvalidInputException;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * States of a model that were kept to go back to, the newest first. The oldest leave when there are
 * too many or they take too much memory. Thread-safe.
 */
final class Snapshots {
  static final int MOST = 20;
  static final long MOST_BYTES = 256L << 20;

  /**
   * A state that is kept.
   *
   * @param id names it
   * @param time of taking, in milliseconds since 1970
   * @param step batches behind it
   * @param content as in a state file
   * @param by what had it taken
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Snapshot(String id, long time, long step, byte[] content, String by) {}

  private final Clock clock;
  private final Deque<Snapshot> kept = new ArrayDeque<>();
  private long bytes;
  private int number;

  Snapshots(Clock clock) {
    this.clock = clock;
  }

  /** Keeps the model's present state. */
  Snapshot take(ServedModel model, String by) {
    long step;
    byte[] content;
    try (AdaptationState state = model.state()) {
      step = state.step();
      content = state.toBytes();
    }
    synchronized (this) {
      number++;
      Snapshot snapshot = new Snapshot(Integer.toString(number), clock.millis(), step, content, by);
      kept.addFirst(snapshot);
      bytes += content.length;
      while (kept.size() > MOST || (bytes > MOST_BYTES && kept.size() > 1)) {
        bytes -= kept.removeLast().content().length;
      }
      return snapshot;
    }
  }

  /** Those kept, the newest first. */
  synchronized List<Snapshot> list() {
    return new ArrayList<>(kept);
  }

  /**
   * Puts a model back to one of them.
   *
   * @throws InvalidInputException when there is none of that name, or it is of another method
   */
  Snapshot restore(ServedModel model, String id) {
    Snapshot snapshot =
        list().stream()
            .filter(one -> one.id().equals(id))
            .findFirst()
            .orElseThrow(
                () ->
                    new UnknownNameException(
                        "expected a snapshot out of "
                            + list().stream().map(Snapshot::id).toList()
                            + ", found '"
                            + id
                            + "'"));
    try (AdaptationState state = model.parseState("snapshot " + id, snapshot.content())) {
      model.restore(state);
    }
    return snapshot;
  }
}
