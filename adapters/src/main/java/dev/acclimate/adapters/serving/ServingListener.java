package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.guard.GuardEvent;

/**
 * Is told what a {@link ServedModel} does, on the thread that does it; for metrics and events. The
 * model logs by itself what is to be logged.
 */
public interface ServingListener {
  /** Listens to nothing. */
  ServingListener NONE = new ServingListener() {};

  /** A batch is answered. */
  default void answered(BatchReport report) {}

  /** The guard of a model did something; told before the batch's report. */
  default void guarded(GuardEvent event) {}

  /** Another mode holds from the next batch on. */
  default void switched(Mode before, Mode now) {}
}
