package dev.acclimate.streams;

import dev.acclimate.adapters.guard.GuardEvent;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * Counts what the guard of a model does: {@code acclimate.guard.events}, tagged by model and by
 * what it did, from 0 on for each.
 */
public final class GuardMeters implements AutoCloseable {
  private final MeterRegistry registry;
  private final Map<GuardEvent.Kind, Counter> counters = new EnumMap<>(GuardEvent.Kind.class);

  /** Registers a model's counters. */
  public GuardMeters(MeterRegistry registry, String model) {
    this.registry = registry;
    for (GuardEvent.Kind kind : GuardEvent.Kind.values()) {
      counters.put(
          kind,
          Counter.builder("acclimate.guard.events")
              .description("What the guard of a served model did")
              .tag("model", model)
              .tag("action", GuardEvent.id(kind))
              .register(registry));
    }
  }

  /** The guard did something. */
  public void count(GuardEvent event) {
    Objects.requireNonNull(counters.get(event.kind())).increment();
  }

  /** Takes the counters out of the registry. */
  @Override
  public void close() {
    counters.values().forEach(registry::remove);
  }
}
