package dev.acclimate.streams.feedback;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Feedback meters and what they read. */
final class Metrics {
  static final String GROUP = "g";

  final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  final FeedbackMeters meters = new FeedbackMeters(registry, GROUP);

  /** A counter, summed over the tags that are not named. */
  int count(String name, String... tags) {
    return (int)
        registry.get(name).tag("group", GROUP).tags(tags).counters().stream()
            .mapToDouble(counter -> counter.count())
            .sum();
  }

  double accuracy(String answer) {
    return registry.get("acclimate.accuracy").tag("answer", answer).gauge().value();
  }

  double overall() {
    return registry.get("acclimate.accuracy.overall").gauge().value();
  }
}
