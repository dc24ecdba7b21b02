package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.guard.GuardEvent;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Is told what a {@link ServedModel} does, on the thread that does it; for metrics and events. */
public interface ServingListener {
  /** Logs what a guard does, and no more. */
  ServingListener NONE = new ServingListener() {};

  /** A batch is answered. */
  default void answered(BatchReport report) {}

  /** The guard of a model did something; told before the batch's report. By default a log line. */
  default void guarded(String model, GuardEvent event) {
    Level level = event.kind() == GuardEvent.Kind.TRUSTED ? Level.INFO : Level.WARN;
    LoggerFactory.getLogger(ServingListener.class)
        .atLevel(level)
        .log("{}: guard: {}", model, event.text());
  }

  /** Another mode holds from the next batch on. */
  default void switched(Mode before, Mode now) {}
}
