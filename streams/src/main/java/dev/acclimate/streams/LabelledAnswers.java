package dev.acclimate.streams;

import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.streams.feedback.AnswerComparison;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What labels said of answers to one state's batches, on its way from the thread that reads labels
 * to the guard. Answers whose guard is gone tell nobody.
 */
final class LabelledAnswers implements AnswerComparison {
  private final Queue<Boolean> adaptedAlone = new ConcurrentLinkedQueue<>();

  @Override
  public void compared(boolean adaptedRight, boolean frozenRight) {
    if (adaptedRight != frozenRight) { // the others tell a guard nothing
      adaptedAlone.add(adaptedRight);
    }
  }

  /** Tells a guard what came since the last time. */
  void drainTo(StateGuard guard) {
    for (Boolean right = adaptedAlone.poll(); right != null; right = adaptedAlone.poll()) {
      guard.label(right, !right);
    }
  }
}
