package dev.acclimate.agent.admin;

import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.guard.GuardNews;
import dev.acclimate.adapters.guard.GuardSignals;
import dev.acclimate.adapters.serving.BatchReport;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.ServingListener;
import io.vertx.core.json.JsonObject;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/** What a model did since it was last asked, second by second. Written by its own threads. */
public final class ModelSignals implements ServingListener {
  private static final int DIGITS = 2;

  private final Recorder latency = new Recorder(DIGITS);
  private final GuardNews news = new GuardNews();
  private final BiConsumer<String, String> events;
  private final Consumer<GuardEvent> count;
  private Histogram spent = latency.getIntervalHistogram();
  private long samples;
  private long refused;
  private long step;
  private @Nullable GuardSignals guard;

  /**
   * @param events is told what happened and why, where it is news
   * @param count is told of all that a guard did
   */
  public ModelSignals(BiConsumer<String, String> events, Consumer<GuardEvent> count) {
    this.events = events;
    this.count = count;
  }

  @Override
  public synchronized void answered(BatchReport report) {
    samples += report.samples();
    step = report.step();
    guard = report.signals();
  }

  @Override
  public void guarded(GuardEvent event) {
    count.accept(event);
    news.of(event).ifPresent(text -> events.accept("guard: " + event.id().replace('_', ' '), text));
  }

  @Override
  public void switched(Mode before, Mode now) {
    events.accept("mode " + now, "was " + before);
  }

  /** A request got its answer. */
  public void done(long nanos) {
    latency.recordValue(Math.max(TimeUnit.NANOSECONDS.toMicros(nanos), 0));
  }

  /** A request was turned away. */
  public synchronized void refused() {
    refused++;
  }

  /** Sums up what came since the last call. */
  synchronized JsonObject sumUp(double seconds) {
    spent = latency.getIntervalHistogram(spent);
    JsonObject sum =
        new JsonObject()
            .put("samples_per_second", samples / seconds)
            .put("requests_per_second", spent.getTotalCount() / seconds)
            .put("refused", refused)
            .put("step", step);
    if (spent.getTotalCount() > 0) {
      sum.put("p50_ms", spent.getValueAtPercentile(50) / 1000.0);
      sum.put("p99_ms", spent.getValueAtPercentile(99) / 1000.0);
    }
    GuardSignals seen = guard;
    if (seen != null && !Double.isNaN(seen.adaptedClasses())) {
      sum.put("entropy_frozen", seen.frozenEntropy())
          .put("entropy_adapted", seen.adaptedEntropy())
          .put("diversity_frozen", seen.frozenClasses())
          .put("diversity_adapted", seen.adaptedClasses())
          .put("disagreement", seen.disagreement())
          .put("expected_gain", seen.expectedGain());
    }
    samples = 0;
    return sum;
  }
}
