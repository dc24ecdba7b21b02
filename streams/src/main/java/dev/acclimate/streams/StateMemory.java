package dev.acclimate.streams;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which states are in memory, in the order of their last use, and which should leave it. */
final class StateMemory {
  /** What a resident state costs besides its tensors: buffers' headers and its entry here. */
  private static final long OVERHEAD = 512;

  private final long budget;
  private final Map<StreamState, Lane> byUse = new LinkedHashMap<>(16, 0.75f, true);

  StateMemory(long budget) {
    this.budget = budget;
  }

  void used(StreamState state, Lane lane) {
    byUse.put(state, lane);
  }

  void left(StreamState state) {
    byUse.remove(state);
  }

  int resident() {
    return byUse.size();
  }

  /** The least recently used states of a lane that must leave so that the rest fits. */
  List<StreamState> surplus(long stateBytes, Lane lane) {
    long most = Math.max(1, budget / (stateBytes + OVERHEAD));
    List<StreamState> surplus = new ArrayList<>();
    long excess = byUse.size() - most;
    if (excess > 0) {
      for (Map.Entry<StreamState, Lane> entry : byUse.entrySet()) {
        if (surplus.size() >= excess) {
          break;
        }
        if (entry.getValue() == lane && !entry.getKey().isPinned()) {
          surplus.add(entry.getKey());
        }
      }
    }
    return surplus;
  }
}
