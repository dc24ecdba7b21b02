package dev.acclimate.agent;

import dev.acclimate.streams.BatchModel;
import dev.acclimate.streams.Feedback;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamHealth;
import dev.acclimate.streams.StreamProcessor;
import dev.acclimate.streams.feedback.FeedbackConfig;
import dev.acclimate.streams.feedback.FrozenModel;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running agent: the model, its Kafka stream and its HTTP port, as configured. {@link #close()}
 * takes it down in the reverse order and lets the stream finish the batch in hand.
 */
public final class Agent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Agent.class);
  private static final long HTTP_SECONDS = 15;

  private final PrometheusMeterRegistry registry;
  private final JvmGcMetrics gcMetrics = new JvmGcMetrics();
  private final Vertx vertx = Vertx.vertx();
  private final AutoCloseable model;
  private @Nullable Feedback feedback;
  private @Nullable StreamProcessor processor;
  private @Nullable AgentServer server;

  private Agent(AutoCloseable model) {
    this.model = model;
    this.registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ClassLoaderMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    gcMetrics.bindTo(registry);
  }

  /**
   * Starts what the configuration asks for.
   *
   * @param open opens the configured model
   * @throws dev.acclimate.models.InvalidInputException when the model does not fit
   * @throws IllegalStateException when the port cannot be had
   */
  public static Agent start(AgentConfig config, ModelOpener open) {
    ModelOpener.Opened opened = open.open(config.model());
    Agent agent = new Agent(opened.resource());
    try {
      agent.start(config, opened);
      return agent;
    } catch (RuntimeException e) {
      agent.close();
      throw e;
    }
  }

  private void start(AgentConfig config, ModelOpener.Opened opened) {
    BatchModel batchModel = opened.model();
    if (config.stream() != null) {
      if (config.feedback() != null) {
        feedback = openFeedback(config.stream(), config.feedback(), opened);
      }
      processor = StreamProcessor.create(config.stream(), batchModel, registry, feedback);
    }
    if (config.http() != null) {
      AgentConfig.Http address = config.http();
      server =
          await(
              AgentServer.start(
                  vertx,
                  address,
                  registry,
                  () -> Optional.ofNullable(processor).map(StreamProcessor::health)),
              "cannot listen on " + address.host() + ":" + address.port());
      log.info("http://{}:{}/v2/health/ready and /metrics", address.host(), server.port());
    }
    if (processor != null && config.stream() != null) {
      processor.start();
      log.info(
          "answering {} with {} ({})",
          config.stream().topics().in(),
          config.model().name(),
          batchModel.method());
    }
  }

  private Feedback openFeedback(
      StreamConfig stream, FeedbackConfig config, ModelOpener.Opened opened) {
    FrozenModel frozen = config.shadow() > 0 ? opened.frozen().get() : null;
    try {
      return Feedback.open(stream, config, registry, opened.model().outputs(), frozen);
    } catch (RuntimeException e) {
      if (frozen != null) {
        frozen.close();
      }
      throw e;
    }
  }

  /** The port of the HTTP server, empty where the agent has none. */
  public OptionalInt port() {
    AgentServer current = server;
    return current == null ? OptionalInt.empty() : OptionalInt.of(current.port());
  }

  /** The stream's health, empty where the agent has none. */
  public Optional<StreamHealth> health() {
    return Optional.ofNullable(processor).map(StreamProcessor::health);
  }

  /**
   * Completes when the agent has nothing left to do: exceptionally when the stream failed and no
   * HTTP port is there to tell of it, else not before {@link #close()}.
   */
  public CompletableFuture<Void> done() {
    StreamProcessor current = processor;
    return current == null || server != null ? new CompletableFuture<>() : current.stopped();
  }

  @Override
  public void close() {
    if (processor != null) {
      log.info("finishing the batch in hand");
      processor.close();
    }
    if (feedback != null) {
      feedback.close();
    }
    if (server != null) {
      await(server.close(), "closing the HTTP port");
    }
    await(vertx.close(), "closing");
    gcMetrics.close();
    registry.close();
    try {
      model.close();
    } catch (Exception e) {
      log.warn("closing the model", e);
    }
    log.info("stopped");
  }

  private static <T> T await(Future<T> future, String what) {
    try {
      return future.toCompletionStage().toCompletableFuture().get(HTTP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(what + ": interrupted", e);
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new IllegalStateException(what + ": " + cause.getMessage(), cause);
    } catch (TimeoutException e) {
      throw new IllegalStateException(what + ": no answer in " + HTTP_SECONDS + " s", e);
    }
  }
}
