package dev.acclimate.simulate;

import dev.acclimate.adapters.guard.GuardEvent;
import java.util.List;

/**
 * What a guard did in a run.
 *
 * @param adaptedAnswers part of the samples that got adapted answers
 * @param frozenRuns part of the batches that the frozen model ran beside the adapted one
 * @param events in their order
 */
public record GuardRecord(double adaptedAnswers, double frozenRuns, List<GuardEvent> events) {
  /** What the name of a guarded method ends with. */
  static final String SUFFIX = " guarded";

  public GuardRecord {
    events = List.copyOf(events);
  }

  /** How often it did that. */
  public long count(GuardEvent.Kind kind) {
    return events.stream().filter(event -> event.kind() == kind).count();
  }
}
