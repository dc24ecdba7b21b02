package dev.acclimate.streams;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** States for runs to write into: a step writes into one and sets free another. */
final class StatePool {
  private static final int KEPT = 8;

  private final BatchModel model;
  private final Deque<BatchModel.State> free = new ArrayDeque<>();

  StatePool(BatchModel model) {
    this.model = model;
  }

  BatchModel.State take() {
    BatchModel.State state = free.poll();
    return state == null ? model.newState() : state;
  }

  void give(BatchModel.@Nullable State state) {
    if (state == null || state == model.initialState()) {
      return;
    }
    if (free.size() < KEPT) {
      free.push(state);
    } else {
      state.close();
    }
  }

  void close() {
    free.forEach(BatchModel.State::close);
    free.clear();
  }
}
