package dev.acclimate.agent.upstream;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.models.InvalidInputException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether the server is ready, and whether it has the model that we have: asked every two
 * seconds, and anew for its inputs and outputs whenever it was away. Thread-safe.
 */
public final class UpstreamWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UpstreamWatch.class);
  private static final long PERIOD_MILLIS = 2000;
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int LOOP = 508;
  private static final String BINARY = "binary_tensor_data";

  private final Vertx vertx;
  private final UpstreamServer server;
  private final Supplier<InferenceModel> model;
  private final AtomicBoolean looking = new AtomicBoolean();
  private volatile Seen seen = new Seen("the upstream server has not been asked yet", true);
  private volatile @Nullable UpstreamMetadata metadata;
  private volatile boolean binary;
  private long timer = -1;

  /**
   * What the last look found.
   *
   * @param problem why the server does not answer; null where it does
   * @param fits false where its model is known to be another than ours
   */
  private record Seen(@Nullable String problem, boolean fits) {}

  /** A watch that does not look yet. */
  public UpstreamWatch(Vertx vertx, UpstreamServer server, Supplier<InferenceModel> model) {
    this.vertx = vertx;
    this.server = server;
    this.model = model;
  }

  /** What the server calls our model. */
  public String modelName() {
    String other = server.config().model();
    return other == null ? model.get().name() : other;
  }

  /** Why the server does not answer; empty where it does. */
  public Optional<String> problem() {
    return Optional.ofNullable(seen.problem());
  }

  /** False where the server's model is known to be another than ours. */
  public boolean fits() {
    return seen.fits();
  }

  /** Whether the server reads tensors in the binary form. */
  public boolean readsBinary() {
    return binary;
  }

  /**
   * Looks for the first time, and then on and on. A server that is not there yet is waited for.
   *
   * @throws InvalidInputException when the server is this agent itself, or its model has other
   *     inputs or outputs
   */
  public void start() {
    try {
      look().toCompletionStage().toCompletableFuture().join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof InvalidInputException refusal ? refusal : e;
    }
    problem().ifPresent(why -> log.warn("{}: {}; asking on", server.config(), why));
    timer = vertx.setPeriodic(PERIOD_MILLIS, id -> lookAgain());
  }

  private void lookAgain() {
    if (!looking.compareAndSet(false, true)) {
      return;
    }
    Seen before = seen;
    look()
        .onComplete(
            done -> {
              if (done.failed()) {
                seen = new Seen(null, false);
              }
              tell(before, seen, done.cause());
              looking.set(false);
            });
  }

  private void tell(Seen before, Seen now, @Nullable Throwable refusal) {
    if (!now.fits() && before.fits() && refusal != null) {
      log.error(
          "{}: requests are forwarded, but not adapted to: {}",
          server.config(),
          refusal.getMessage());
    } else if (!Objects.equals(before.problem(), now.problem())) {
      if (now.problem() == null) {
        log.info("{}: the upstream server is ready", server.config());
      } else {
        log.warn("{}: {}", server.config(), now.problem());
      }
    }
  }

  /** Fails where the server has another model. */
  private Future<Void> look() {
    Future<Void> known = metadata == null ? lookClosely() : Future.succeededFuture();
    return known
        .compose(done -> server.get(path() + "/ready", PATIENCE))
        .map(
            answer -> {
              boolean ready = answer.status() == 200 && !saysNo(answer);
              see(ready ? null : unready(answer));
              return (Void) null;
            })
        .recover(
            e -> {
              if (e instanceof InvalidInputException) {
                return Future.failedFuture(e);
              }
              see(String.valueOf(e.getMessage()));
              return Future.succeededFuture();
            });
  }

  private void see(@Nullable String problem) {
    if (problem != null) {
      metadata = null; // it may come back with another model
    }
    seen = new Seen(problem, problem != null || seen.fits());
  }

  private String path() {
    return UpstreamServer.path(modelName(), null);
  }

  private String unready(HttpAnswer answer) {
    return "the upstream server's model '"
        + modelName()
        + "' is not ready: it answers "
        + answer.status();
  }

  private static boolean saysNo(HttpAnswer answer) {
    try {
      return Boolean.FALSE.equals(new JsonObject(answer.body()).getValue("ready"));
    } catch (DecodeException | ClassCastException e) {
      return false; // Triton says nothing but its status
    }
  }

  private Future<Void> lookClosely() {
    return server
        .get(path(), PATIENCE)
        .compose(
            answer -> {
              if (answer.status() == LOOP) {
                throw new InvalidInputException(
                    "upstream.url: expected another server, found this agent itself");
              }
              if (answer.status() != 200) {
                throw new UpstreamException(UpstreamException.Kind.UNREACHABLE, unready(answer));
              }
              UpstreamMetadata found = read(answer);
              if (!found.says()) {
                log.warn("{}: tells no inputs and outputs of {}", server.config(), modelName());
              }
              requireFit(found, model.get());
              metadata = found;
              seen = new Seen(seen.problem(), true);
              return server.get("/v2", PATIENCE);
            })
        .map(
            answer -> {
              binary = answer.status() == 200 && extensions(answer).contains(BINARY);
              return null;
            });
  }

  private static UpstreamMetadata read(HttpAnswer answer) {
    try {
      return UpstreamMetadata.parse(new JsonObject(answer.body()));
    } catch (DecodeException | InvalidInputException e) {
      throw new UpstreamException(
          UpstreamException.Kind.UNREACHABLE,
          "the upstream server does not tell the model's inputs and outputs as the protocol says");
    }
  }

  private static JsonArray extensions(HttpAnswer answer) {
    try {
      return new JsonObject(answer.body()).getJsonArray("extensions", new JsonArray());
    } catch (DecodeException | ClassCastException e) {
      return new JsonArray();
    }
  }

  /**
   * Refuses a model that is to come into the place of ours where the server has another.
   *
   * @throws InvalidInputException naming the tensor, what was expected and what was found
   */
  public void requireFit(InferenceModel next) {
    UpstreamMetadata known = metadata;
    if (known != null) {
      requireFit(known, next);
    }
  }

  private void requireFit(UpstreamMetadata known, InferenceModel ours) {
    try {
      known.requireSame(ours.inputs(), ours.outputs());
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "upstream: model '" + modelName() + "': " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    vertx.cancelTimer(timer);
  }
}
