package dev.acclimate.streams.feedback;

import dev.acclimate.adapters.serving.RecentAccuracy;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * What is known of the answers' accuracy, tagged with {@code group}. A label is one sample's.
 *
 * <ul>
 *   <li>{@code acclimate.accuracy} by {@code answer}: the part of the last {@value #RECENT} joined
 *       samples that the {@code adapted} model answered right, and the {@code frozen} one would
 *       have. Both are over the same samples, those that the frozen model was asked too, and so may
 *       be compared. NaN before the first of them.
 *   <li>{@code acclimate.accuracy.overall}: the same of the adapted model alone, over the last
 *       {@value #RECENT} joined samples whether the frozen model was asked or not
 *   <li>{@code acclimate.labels.joined}: labels that met their answer; {@code shadowed} tells
 *       whether the frozen model was asked too
 *   <li>{@code acclimate.labels.correct} by {@code answer}: those that agreed with it; {@code
 *       shadowed} as above, always {@code true} for {@code frozen}. With the counter before, this
 *       gives accuracies over any time.
 *   <li>{@code acclimate.labels.late}: labels whose answer was not there within the window
 *   <li>{@code acclimate.labels.duplicate}: labels of samples that had theirs
 *   <li>{@code acclimate.labels.invalid}: labels that are no class of the model, or of another
 *       number than the request's samples
 *   <li>{@code acclimate.labels.malformed}: records that could not be read, dead letters now
 *   <li>{@code acclimate.answers.unlabelled}: samples whose label was not there within the window
 *   <li>{@code acclimate.answers.unjoinable}: samples of requests without an id, or with one that
 *       is too long
 *   <li>{@code acclimate.shadow.time}: the frozen model's run of a batch, beside the adapted one's
 *   <li>{@code acclimate.shadow.failures}: such runs that failed; the batch was answered all the
 *       same
 * </ul>
 */
public final class FeedbackMeters implements AutoCloseable {
  /** Samples that the gauges look back on. */
  public static final int RECENT = 1000;

  private final MeterRegistry registry;
  private final Tags tags;
  private final List<Meter> registered = new ArrayList<>();
  private final RecentAccuracy adapted = new RecentAccuracy(RECENT);
  private final RecentAccuracy frozen = new RecentAccuracy(RECENT);
  private final RecentAccuracy overall = new RecentAccuracy(RECENT);
  private final Counter joined;
  private final Counter joinedShadowed;
  private final Counter adaptedCorrect;
  private final Counter adaptedCorrectShadowed;
  private final Counter frozenCorrect;
  private final Counter late;
  private final Counter duplicate;
  private final Counter invalid;
  private final Counter malformed;
  private final Counter unlabelled;
  private final Counter unjoinable;
  private final Timer shadowTime;
  private final Counter shadowFailures;

  /** Registers the meters; {@link #close} takes them out again. */
  public FeedbackMeters(MeterRegistry registry, String group) {
    this.registry = registry;
    this.tags = Tags.of("group", group);
    String labels = "Labels that met their answer";
    joined = counter("acclimate.labels.joined", labels, "shadowed", "false");
    joinedShadowed = counter("acclimate.labels.joined", labels, "shadowed", "true");
    adaptedCorrect = correct("adapted", "false");
    adaptedCorrectShadowed = correct("adapted", "true");
    frozenCorrect = correct("frozen", "true");
    late = counter("acclimate.labels.late", "Labels without an answer within the window");
    duplicate = counter("acclimate.labels.duplicate", "Labels of samples that had theirs");
    invalid = counter("acclimate.labels.invalid", "Labels of no class or of another number");
    malformed = counter("acclimate.labels.malformed", "Feedback records that are dead letters");
    unlabelled = counter("acclimate.answers.unlabelled", "Samples without a label in the window");
    unjoinable = counter("acclimate.answers.unjoinable", "Samples of requests without a usable id");
    shadowTime =
        keep(
            Timer.builder("acclimate.shadow.time")
                .description("The frozen model's run of a batch")
                .tags(tags)
                .register(registry));
    shadowFailures = counter("acclimate.shadow.failures", "Failed runs of the frozen model");
    String recent = "Right among the last joined samples that the frozen model was asked too";
    gauge("acclimate.accuracy", recent, adapted::value, "answer", "adapted");
    gauge("acclimate.accuracy", recent, frozen::value, "answer", "frozen");
    gauge("acclimate.accuracy.overall", "Right among the last joined samples", overall::value);
  }

  private Counter correct(String answer, String shadowed) {
    return counter(
        "acclimate.labels.correct",
        "Labels that agreed with the answer",
        "answer",
        answer,
        "shadowed",
        shadowed);
  }

  private Counter counter(String name, String description, String... more) {
    return keep(
        Counter.builder(name).description(description).tags(tags.and(more)).register(registry));
  }

  private void gauge(String name, String description, Supplier<Number> value, String... more) {
    var unused =
        keep(
            Gauge.builder(name, value)
                .description(description)
                .tags(tags.and(more))
                .register(registry));
  }

  private <M extends Meter> M keep(M meter) {
    registered.add(meter);
    return meter;
  }

  /** A sample that the frozen model was not asked. */
  void joined(boolean adaptedRight) {
    joined.increment();
    overall.add(adaptedRight);
    if (adaptedRight) {
      adaptedCorrect.increment();
    }
  }

  /** A sample that the frozen model was asked too. */
  void joined(boolean adaptedRight, boolean frozenRight) {
    joinedShadowed.increment();
    overall.add(adaptedRight);
    adapted.add(adaptedRight);
    frozen.add(frozenRight);
    if (adaptedRight) {
      adaptedCorrectShadowed.increment();
    }
    if (frozenRight) {
      frozenCorrect.increment();
    }
  }

  void late(int labels) {
    late.increment(labels);
  }

  void duplicate(int labels) {
    duplicate.increment(labels);
  }

  void invalid(int labels) {
    invalid.increment(labels);
  }

  /** A feedback record that could not be read. */
  public void malformed() {
    malformed.increment();
  }

  void unlabelled(int samples) {
    unlabelled.increment(samples);
  }

  void unjoinable(int samples) {
    unjoinable.increment(samples);
  }

  Timer shadowTime() {
    return shadowTime;
  }

  void shadowFailed() {
    shadowFailures.increment();
  }

  @Override
  public void close() {
    registered.forEach(registry::remove);
  }
}
