package dev.acclimate.agent;

import dev.acclimate.streams.StreamHealth;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The demo's HTTP port: metrics and health, on loopback. */
final class DemoEndpoint implements AutoCloseable {
  private static final long SECONDS = 15;

  private final Vertx vertx;
  private final AgentServer server;

  private DemoEndpoint(Vertx vertx, AgentServer server) {
    this.vertx = vertx;
    this.server = server;
  }

  static DemoEndpoint open(
      int port, PrometheusMeterRegistry registry, Supplier<StreamHealth> health) {
    Vertx vertx = Vertx.vertx();
    AgentConfig.Http address = new AgentConfig.Http(AgentConfig.DEFAULT_HOST, port);
    try {
      AgentServer server =
          await(
              AgentServer.start(
                  vertx, address, registry, () -> Optional.of(health.get()), null, router -> {}));
      return new DemoEndpoint(vertx, server);
    } catch (CompletionException e) {
      await(vertx.close());
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new IllegalStateException(
          "cannot listen on " + address.host() + ":" + port + ": " + cause.getMessage(), e);
    }
  }

  String url() {
    return "http://" + AgentConfig.DEFAULT_HOST + ":" + server.port();
  }

  @Override
  public void close() {
    await(server.close());
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) {
    return future
        .toCompletionStage()
        .toCompletableFuture()
        .orTimeout(SECONDS, TimeUnit.SECONDS)
        .join();
  }
}
