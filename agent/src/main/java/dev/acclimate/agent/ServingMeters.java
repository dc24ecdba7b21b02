package dev.acclimate.agent;

import dev.acclimate.adapters.guard.GuardEvent;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Meters of models that answer over HTTP: {@code acclimate.guard.events}, tagged by model and by
 * what the guard did, from 0 on for each, and what the requests in hand are and hold. Models come
 * out of a folder of the operator's, which bounds the tag.
 */
final class ServingMeters {
  private final MeterRegistry registry;
  private final Map<String, Map<GuardEvent.Kind, Counter>> guards = new ConcurrentHashMap<>();

  ServingMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Shows the inference requests in hand and their memory. */
  void inHand(Supplier<Number> requests, Supplier<Number> bytes) {
    Gauge.builder("acclimate.requests.in.hand", requests)
        .description("Inference requests that are being answered")
        .register(registry);
    Gauge.builder("acclimate.requests.memory", bytes)
        .description("What they hold, as they came and decoded")
        .baseUnit("bytes")
        .register(registry);
  }

  /** A model is about to answer. */
  void add(String model) {
    guards.computeIfAbsent(model, this::counters);
  }

  private Map<GuardEvent.Kind, Counter> counters(String model) {
    Map<GuardEvent.Kind, Counter> counters = new EnumMap<>(GuardEvent.Kind.class);
    for (GuardEvent.Kind kind : GuardEvent.Kind.values()) {
      counters.put(
          kind,
          Counter.builder("acclimate.guard.events")
              .description("What the guard of a served model did")
              .tag("model", model)
              .tag("action", GuardEvent.id(kind))
              .register(registry));
    }
    return counters;
  }

  /** The guard of a model did something. */
  void count(String model, GuardEvent event) {
    Map<GuardEvent.Kind, Counter> counters = guards.get(model);
    Counter counter = counters == null ? null : counters.get(event.kind());
    if (counter != null) {
      counter.increment();
    }
  }

  /** A model answers no more. */
  void remove(String model) {
    Map<GuardEvent.Kind, Counter> counters = guards.remove(model);
    List<Meter> gone = new ArrayList<>(counters == null ? List.of() : counters.values());
    gone.forEach(registry::remove);
  }
}
