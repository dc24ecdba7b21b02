package dev.acclimate.agent;

import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.streams.GuardMeters;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Meters of models that answer over HTTP: what their guards do, and what the requests in hand are
 * and hold. Models come out of a folder of the operator's, which bounds the tag.
 */
final class ServingMeters {
  private final MeterRegistry registry;
  private final Map<String, GuardMeters> guards = new ConcurrentHashMap<>();

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
    guards.computeIfAbsent(model, name -> new GuardMeters(registry, name));
  }

  /** The guard of a model did something. */
  void count(String model, GuardEvent event) {
    GuardMeters counters = guards.get(model);
    if (counters != null) {
      counters.count(event);
    }
  }

  /** A model answers no more. */
  void remove(String model) {
    GuardMeters counters = guards.remove(model);
    if (counters != null) {
      counters.close();
    }
  }
}
