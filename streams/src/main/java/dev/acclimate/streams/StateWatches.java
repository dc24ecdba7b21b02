package dev.acclimate.streams;

import dev.acclimate.adapters.serving.FrozenAnswer;
import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.models.Tensor;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The guards over the states that batches move, one for each. They are not journaled: what a guard
 * has forgotten, or another processor knew, it must see anew before adapted answers go out, and the
 * state that it then begins with stands in for a good one.
 *
 * <p>All of them together take so many bytes at most; beyond that the least recently used let go of
 * their good states first, and where that is not enough they start anew. Belongs to the model's
 * thread.
 */
final class StateWatches {
  private final BatchModel model;
  private final long mostBytes;
  private final Map<Key, Watched> byUse = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;
  private long goodStatesBytes;

  private record Key(Lane lane, String stream) {}

  /** A guard with the labels that wait for it. */
  private static final class Watched {
    private final StateGuard guard;
    private final LabelledAnswers labels = new LabelledAnswers();
    private long bytes;
    private long goodStatesBytes;

    Watched(StateGuard guard) {
      this.guard = guard;
    }
  }

  StateWatches(BatchModel model) {
    this.model = model;
    this.mostBytes = model.guard().snapshotBytes();
  }

  /**
   * What the guard over a batch's state decides.
   *
   * @param labels takes in what labels say of this batch's answers later
   */
  record Decided(StateGuard.Ruling ruling, LabelledAnswers labels) {}

  /** Has the guard over a batch's state decide about it; see {@link StateGuard#judge}. */
  Decided judge(
      MicroBatch batch,
      Map<String, Tensor> inputs,
      BatchModel.Result adapted,
      FrozenAnswer frozen,
      BatchModel.State before,
      BatchModel.State after) {
    Watched watched =
        byUse.computeIfAbsent(
            new Key(batch.lane(), batch.stream()), key -> new Watched(model.watch(before)));
    watched.labels.drainTo(watched.guard);
    StateGuard.Ruling ruling = model.judge(watched.guard, inputs, adapted, frozen, before, after);
    measure(watched);
    makeRoom(watched);
    return new Decided(ruling, watched.labels);
  }

  private void measure(Watched watched) {
    bytes -= watched.bytes;
    goodStatesBytes -= watched.goodStatesBytes;
    watched.goodStatesBytes = watched.guard.goodStatesBytes();
    watched.bytes = watched.guard.sizeInBytes() + watched.goodStatesBytes;
    bytes += watched.bytes;
    goodStatesBytes += watched.goodStatesBytes;
  }

  private void makeRoom(Watched present) {
    Iterator<Watched> oldest = byUse.values().iterator();
    while (bytes > mostBytes && goodStatesBytes > present.goodStatesBytes && oldest.hasNext()) {
      Watched other = oldest.next();
      if (other != present && other.goodStatesBytes > 0) {
        other.guard.forgetGoodStates();
        measure(other);
      }
    }
    oldest = byUse.values().iterator();
    while (bytes > mostBytes && byUse.size() > 1) {
      leave(oldest.next());
      oldest.remove();
    }
  }

  private void leave(Watched watched) {
    bytes -= watched.bytes;
    goodStatesBytes -= watched.goodStatesBytes;
    watched.guard.close();
  }

  /** The guards over a lane's states begin anew. */
  void forget(Lane lane) {
    for (Iterator<Map.Entry<Key, Watched>> all = byUse.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<Key, Watched> one = all.next();
      if (one.getKey().lane() == lane) {
        leave(one.getValue());
        all.remove();
      }
    }
  }

  /** The guard over a stream's state begins anew. */
  void forget(Lane lane, String stream) {
    Watched watched = byUse.remove(new Key(lane, stream));
    if (watched != null) {
      leave(watched);
    }
  }

  int guards() {
    return byUse.size();
  }

  /** What guards and good states take. */
  long sizeInBytes() {
    return bytes;
  }

  void close() {
    byUse.values().forEach(this::leave);
    byUse.clear();
  }
}
