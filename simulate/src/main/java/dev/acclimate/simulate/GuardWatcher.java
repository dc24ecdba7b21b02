package dev.acclimate.simulate;

import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.serving.BatchReport;
import dev.acclimate.adapters.serving.ServingListener;
import java.util.ArrayList;
import java.util.List;

/** Notes what a guard does. */
final class GuardWatcher implements ServingListener {
  private final List<GuardEvent> events = new ArrayList<>();
  private long samples;
  private long adaptedAnswers;
  private long batches;
  private long frozenRuns;

  @Override
  public void answered(BatchReport report) {
    samples += report.samples();
    adaptedAnswers += report.adaptedAnswers();
    batches++;
    frozenRuns += report.frozenNanos() > 0 ? 1 : 0;
  }

  @Override
  public void guarded(GuardEvent event) {
    events.add(event);
  }

  /** What was noted since the last call. */
  GuardRecord take() {
    GuardRecord record =
        new GuardRecord(
            samples == 0 ? 0 : (double) adaptedAnswers / samples,
            batches == 0 ? 0 : (double) frozenRuns / batches,
            events);
    events.clear();
    samples = 0;
    adaptedAnswers = 0;
    batches = 0;
    frozenRuns = 0;
    return record;
  }
}
