package dev.acclimate.agent.demo;

import dev.acclimate.agent.broker.EmbeddedBroker;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** A broker that starts in the background, which takes seconds that preparing data can use. */
public final class StartingBroker implements AutoCloseable {
  private final CompletableFuture<EmbeddedBroker> broker =
      CompletableFuture.supplyAsync(
          EmbeddedBroker::start, task -> new Thread(task, "acclimate-broker-start").start());

  /** The broker once it is there. */
  public EmbeddedBroker get() {
    try {
      return broker.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  @Override
  public void close() {
    broker.handle((started, failure) -> started).thenAccept(StartingBroker::stop).join();
  }

  private static void stop(EmbeddedBroker started) {
    if (started != null) {
      started.close();
    }
  }
}
