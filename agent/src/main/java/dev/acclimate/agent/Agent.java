package dev.acclimate.agent;

import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.agent.admin.AccessControl;
import dev.acclimate.agent.admin.AdminApi;
import dev.acclimate.agent.serving.InferenceService;
import dev.acclimate.agent.serving.ModelRepository;
import dev.acclimate.agent.upstream.UpstreamConfig;
import dev.acclimate.agent.upstream.UpstreamMeters;
import dev.acclimate.agent.upstream.UpstreamServer;
import dev.acclimate.agent.upstream.UpstreamWatch;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.Feedback;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamHealth;
import dev.acclimate.streams.StreamProcessor;
import dev.acclimate.streams.feedback.FeedbackConfig;
import dev.acclimate.streams.feedback.FrozenModel;
import io.micrometer.core.instrument.Counter;
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
import io.vertx.ext.web.Router;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running agent: the model, its Kafka stream and its HTTP port, as configured. {@link #close()}
 * takes it down in the reverse order and lets the stream finish the batch in hand.
 *
 * <p>{@link #switchTo} puts another model or method in place of the one at work. The counter {@code
 * acclimate.switches} tells how often that was {@code done} and how often {@code refused}.
 */
public final class Agent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Agent.class);
  private static final long HTTP_SECONDS = 15;
  private static final long SWITCH_SECONDS = 15;

  private final PrometheusMeterRegistry registry;
  private final JvmGcMetrics gcMetrics = new JvmGcMetrics();
  private final Vertx vertx = Vertx.vertx();
  private final ModelOpener open;
  private final @Nullable FeedbackConfig feedbackConfig;
  private final ExecutorService switching =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "acclimate-switch");
            thread.setDaemon(true); // a model that takes minutes to load holds up no exit
            return thread;
          });
  private final Counter switchesDone;
  private final Counter switchesRefused;
  private final boolean serves;
  private final int largestBatch;
  private final ServedModels servedModels;
  private volatile Running running;
  private @Nullable Feedback feedback;
  private @Nullable StreamProcessor processor;
  private @Nullable InferenceService inference;
  private @Nullable AgentServer server;
  private @Nullable AdminApi administration;

  /**
   * The model at work, as it was asked for.
   *
   * @param served answers over HTTP; null where the agent does not
   */
  private record Running(
      AgentConfig.Model config, ModelOpener.Opened opened, @Nullable ServedModel served) {
    boolean isSame(Running other) {
      return config.equals(other.config)
          && opened.model().variant().equals(other.opened.model().variant());
    }

    /** With what tells versions apart that bear the same name. */
    String described() {
      return this + ", variant " + opened.model().variant();
    }

    void close() {
      try {
        if (served != null) {
          served.close();
        } else {
          opened.resource().close();
        }
      } catch (Exception e) {
        log.warn("closing the model", e);
      }
    }

    @Override
    public String toString() {
      return config.name() + " " + config.version() + " (" + opened.model().method() + ")";
    }
  }

  private Agent(AgentConfig config, ModelOpener open) {
    this.open = open;
    this.feedbackConfig = config.feedback();
    this.serves = config.serving() != null;
    this.largestBatch = config.largestBatch();
    this.registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    this.servedModels = new ServedModels(this, new ServingMeters(registry));
    this.running = open(config.model());
    this.switchesDone = switches("done");
    this.switchesRefused = switches("refused");
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ClassLoaderMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    gcMetrics.bindTo(registry);
  }

  private Counter switches(String outcome) {
    return Counter.builder("acclimate.switches")
        .description("Times that another model or method was asked for")
        .tag("outcome", outcome)
        .register(registry);
  }

  /**
   * Starts what the configuration asks for.
   *
   * @param open opens the configured model
   * @throws dev.acclimate.models.InvalidInputException when the model does not fit
   * @throws IllegalStateException when the port cannot be had
   */
  public static Agent start(AgentConfig config, ModelOpener open) {
    Agent agent = new Agent(config, open);
    try {
      agent.start(config);
      return agent;
    } catch (RuntimeException e) {
      agent.close();
      throw e;
    }
  }

  private void start(AgentConfig config) {
    ModelOpener.Opened opened = running.opened();
    if (config.stream() != null) {
      if (config.feedback() != null) {
        feedback = openFeedback(config.stream(), config.feedback(), opened);
      }
      processor = StreamProcessor.create(config.stream(), opened.model(), registry, feedback);
      processor.onMethodAsked(this::obey);
    }
    if (config.serving() != null && running.served() != null) {
      ModelRepository repository = new ModelRepository(config.serving(), this::openServing);
      repository.serve(running.served(), this::reload);
      inference = new InferenceService(config.serving(), repository, servedModels);
      servedModels.serveBy(inference);
    }
    UpstreamWatch watch = forward(config);
    if (config.http() != null) {
      AgentConfig.Http address = config.http();
      server =
          await(
              AgentServer.start(
                  vertx,
                  address,
                  registry,
                  () -> Optional.ofNullable(processor).map(StreamProcessor::health),
                  inference,
                  router -> administer(router, address)),
              "cannot listen on " + address.host() + ":" + address.port());
      log.info("http://{}:{}/v2/health/ready and /metrics", address.host(), server.port());
    }
    if (watch != null) {
      watch.start(); // with the port open: a server that leads back here is known by that
    }
    if (processor != null && config.stream() != null) {
      processor.start();
      log.info("answering {} with {}", config.stream().topics().in(), running);
    }
  }

  private @Nullable UpstreamWatch forward(AgentConfig config) {
    UpstreamConfig upstream = config.serving() == null ? null : config.serving().upstream();
    InferenceService serving = inference;
    if (upstream == null || serving == null) {
      return null;
    }
    UpstreamServer other = new UpstreamServer(vertx, upstream);
    UpstreamWatch watch =
        new UpstreamWatch(vertx, other, () -> Objects.requireNonNull(running.served()));
    serving.forwardTo(other, watch, new UpstreamMeters(registry, () -> watch.problem().isEmpty()));
    return watch;
  }

  private Running open(AgentConfig.Model wanted) {
    ModelOpener.Opened opened = open.open(wanted, largestBatch);
    ModelOpener.Serving serving = opened.serving();
    if (!serves || serving == null) {
      return new Running(wanted, opened, null);
    }
    try {
      ServedModel served = serving.serve(servedModels.listener(wanted.name()));
      return new Running(wanted, opened, served);
    } catch (RuntimeException e) {
      new Running(wanted, opened, null).close();
      throw e;
    }
  }

  /** A model beside the configured one, run the same way. */
  private InferenceModel openServing(Path file, String name) {
    Running opened = open(running.config().withFile(file, name));
    return Objects.requireNonNull(opened.served(), "cannot be served");
  }

  private void administer(Router router, AgentConfig.Http address) {
    if (inference != null) {
      AdminApi api =
          AdminApi.mount(
              vertx,
              router,
              servedModels,
              AccessControl.of(address.isLoopback(), address.tokenFile()));
      servedModels.tell(api);
      administration = api;
    }
  }

  private CompletableFuture<Void> reload() {
    return switchTo(() -> running.config());
  }

  private Feedback openFeedback(
      StreamConfig stream, FeedbackConfig config, ModelOpener.Opened opened) {
    return Feedback.open(
        stream, config, registry, opened.model().outputs(), frozen(config, opened));
  }

  /** The model's own frozen self, which a guard or a mode asks too. */
  private static @Nullable FrozenModel frozen(FeedbackConfig config, ModelOpener.Opened opened) {
    if (config.shadow() == 0) {
      return null;
    }
    opened.model().loadFrozen();
    return opened.model()::runFrozen;
  }

  /** What clients call the model at work. */
  String modelName() {
    return running.config().name();
  }

  /** The model at work with its version and method, for people. */
  public String model() {
    return running.toString();
  }

  /** Switches to a method that a record of the state topic asks for. */
  private void obey(String method) {
    try {
      var unused =
          switchMethod(method)
              .whenComplete(
                  (done, thrown) -> {
                    if (thrown != null) {
                      log.warn("not switched to {}: {}", method, thrown.getMessage());
                    }
                  });
    } catch (InvalidInputException e) {
      switchesRefused.increment();
      log.warn("not switched: {}", e.getMessage());
    }
  }

  /**
   * Goes on under another method with the present model; see {@link #switchTo}.
   *
   * @param method with its options, such as {@code unmix-tns[components=8]}
   * @throws dev.acclimate.models.InvalidInputException when there is no such method
   */
  public CompletableFuture<Void> switchMethod(String method) {
    String canonical = Method.parse(method).canonical();
    return switchTo(() -> running.config().withMethod(canonical));
  }

  /**
   * Loads a model while the present one answers on, and puts it in its place between two batches.
   * Both are in memory meanwhile. One switch follows another, in the order they were asked for.
   *
   * @return done when answers come from the new model; exceptionally, with an {@link
   *     dev.acclimate.models.InvalidInputException} where it does not load or does not fit the
   *     stream, when the present one stays
   */
  public CompletableFuture<Void> switchTo(AgentConfig.Model wanted) {
    return switchTo(() -> wanted);
  }

  private CompletableFuture<Void> switchTo(Supplier<AgentConfig.Model> wanted) {
    try {
      return CompletableFuture.runAsync(() -> carryOut(wanted.get()), switching);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(new IllegalStateException("the agent stops", e));
    }
  }

  private void carryOut(AgentConfig.Model wanted) {
    try {
      Running next = open(wanted);
      if (next.isSame(running)) {
        next.close();
        log.info("{} is at work already", running);
        return;
      }
      Running before = running;
      try {
        handOverTo(next);
      } catch (RuntimeException e) {
        next.close();
        throw e;
      }
      running = next;
      before.close();
      switchesDone.increment();
      log.info("switched from {} to {}", before.described(), next.described());
    } catch (RuntimeException e) {
      switchesRefused.increment();
      throw e;
    }
  }

  private void handOverTo(Running next) {
    InferenceService serving = inference;
    if (serving != null && next.served() != null) {
      serving.requireFit(next.served());
      serving.repository().serve(next.served(), this::reload);
    }
    StreamProcessor current = processor;
    if (current == null) {
      return;
    }
    FrozenModel frozen = feedbackConfig == null ? null : frozen(feedbackConfig, next.opened());
    try {
      current
          .switchTo(next.opened().model(), next.config().name(), next.config().version(), frozen)
          .join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
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
    switching.shutdown();
    if (processor != null) {
      log.info("finishing the batch in hand");
      processor.close();
    }
    awaitSwitch();
    if (feedback != null) {
      feedback.close();
    }
    if (administration != null) {
      administration.close();
    }
    if (server != null) {
      await(server.close(), "closing the HTTP port");
    }
    if (inference != null) {
      inference.close();
    }
    await(vertx.close(), "closing");
    gcMetrics.close();
    registry.close();
    running.close();
    log.info("stopped");
  }

  /** The stream has stopped: a switch under way is refused as soon as its model is loaded. */
  private void awaitSwitch() {
    try {
      if (!switching.awaitTermination(SWITCH_SECONDS, TimeUnit.SECONDS)) {
        log.warn("a model is still being loaded");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
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
