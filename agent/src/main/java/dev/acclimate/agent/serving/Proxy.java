package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.agent.serving.Exchange.Asked;
import dev.acclimate.agent.serving.ServingException.Kind;
import dev.acclimate.agent.upstream.HttpAnswer;
import dev.acclimate.agent.upstream.UpstreamException;
import dev.acclimate.agent.upstream.UpstreamMeters;
import dev.acclimate.agent.upstream.UpstreamMeters.Beside;
import dev.acclimate.agent.upstream.UpstreamServer;
import dev.acclimate.agent.upstream.UpstreamWatch;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestEncoder;
import dev.acclimate.streams.ResponseDecoder;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between clients and a server that has the configured model. By the model's {@link Mode}
 * the server answers, or our model, for some streams or all:
 *
 * <ul>
 *   <li>{@code off}: requests and answers go through as they are.
 *   <li>{@code shadow}: they do, and our model adapts to what the server has answered well, beside
 *       and afterwards.
 *   <li>{@code canary}: our model answers some streams; the others are as in shadow.
 *   <li>{@code active}: our model answers, whether or not the server does; the server is asked the
 *       same to be compared.
 * </ul>
 *
 * <p>What happens beside an answer delays none: it has a bounded place of its own, and where that
 * is full it does not happen, which is counted. Thread-safe.
 */
final class Proxy implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Proxy.class);

  private final InferenceService service;
  private final UpstreamServer server;
  private final UpstreamWatch watch;
  private final UpstreamMeters meters;
  private final Admission besides;
  private final ExecutorService beside =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "acclimate-beside");
            thread.setDaemon(true);
            return thread;
          });

  Proxy(
      InferenceService service, UpstreamServer server, UpstreamWatch watch, UpstreamMeters meters) {
    this.service = service;
    this.server = server;
    this.watch = watch;
    this.meters = meters;
    this.besides = new Admission(server.config().besideRequests(), server.config().besideMemory());
  }

  /** Why requests are not answered; empty where they are, be it without the server. */
  Optional<String> problem() {
    boolean alone =
        service.repository().models().stream()
            .filter(model -> service.repository().isConfigured(model.name()))
            .anyMatch(model -> model.mode().percent() == 100);
    return alone ? Optional.empty() : watch.problem();
  }

  void requireFit(InferenceModel next) {
    watch.requireFit(next);
  }

  void requireNew(MultiMap headers) {
    if (server.hasSent(headers)) {
      throw new ServingException(
          Kind.LOOP, "this request has come through this agent before: its upstream leads back");
    }
  }

  /** Answers a request for the configured model. */
  <T> CompletableFuture<T> answer(Exchange<T> exchange) {
    Mode mode = exchange.queue().model().mode();
    boolean asItCame = exchange.form().passes();
    return switch (mode.kind()) {
      case OFF, SHADOW ->
          asItCame
              ? forward(exchange, null)
              : service.read(exchange).thenCompose(asked -> forward(exchange, asked));
      case CANARY -> readOrForward(exchange, mode, asItCame);
      case ACTIVE -> service.read(exchange).thenCompose(asked -> answer(exchange, asked));
    };
  }

  /** The request tells its stream; what our model cannot read is the server's to refuse. */
  private <T> CompletableFuture<T> readOrForward(
      Exchange<T> exchange, Mode mode, boolean asItCame) {
    return service
        .read(exchange)
        .thenApply(Optional::of)
        .exceptionallyCompose(
            e ->
                asItCame && isUnreadable(e)
                    ? CompletableFuture.completedFuture(Optional.empty())
                    : CompletableFuture.failedFuture(e))
        .thenCompose(
            asked -> {
              boolean ours =
                  asked.isPresent()
                      && mode.answersAdapted(
                          InferenceService.stream(asked.get().request(), exchange.call()));
              return ours ? answer(exchange, asked.get()) : forward(exchange, asked.orElse(null));
            });
  }

  private static boolean isUnreadable(Throwable e) {
    return InferenceService.cause(e) instanceof ServingException refusal
        && refusal.kind() == Kind.INVALID;
  }

  /** Lets our model answer, and asks the server the same. */
  private <T> CompletableFuture<T> answer(Exchange<T> exchange, Asked asked) {
    CompletableFuture<List<OutputSlice>> ours = service.run(exchange, asked);
    mirror(exchange, asked, ours);
    return service.write(exchange, asked, ours);
  }

  private void mirror(
      Exchange<?> exchange, Asked asked, CompletableFuture<List<OutputSlice>> ours) {
    if (watch.problem().isPresent()) {
      var unused = ours.thenRun(meters::substituted);
      return;
    }
    Admission.Place place = watch.fits() ? placeBeside(exchange.bytes()) : null;
    if (place == null) {
      return;
    }
    var unused =
        send(exchange, asked, server.config().timeout(), place::hold)
            .handle((answer, e) -> answer != null && answer.isGood() ? answer : null)
            .thenCombineAsync(ours, (answer, own) -> compare(exchange, answer, own, place), beside)
            .whenComplete((done, e) -> place.close());
  }

  private @Nullable Void compare(
      Exchange<?> exchange,
      @Nullable HttpAnswer answer,
      List<OutputSlice> ours,
      Admission.Place place) {
    if (answer == null) {
      meters.substituted();
      return null;
    }
    InferenceModel model = exchange.queue().model();
    try {
      meters.compare(model.outputs(), ours, decode(model, answer, place::hold));
    } catch (InvalidRecordException | RuntimeException e) {
      log.debug("{}: the server's answer", model.name(), e);
      meters.beside(Beside.UNREADABLE);
    }
    return null;
  }

  private static Map<String, Tensor> decode(
      InferenceModel model, HttpAnswer answer, LongConsumer taking) throws InvalidRecordException {
    return new ResponseDecoder(model.outputs())
        .decode(answer.body().getBytes(), answer.headers().get(RestApi.HEADER_LENGTH), taking);
  }

  /** Room for a request beside its answer; null where there is none. */
  private Admission.@Nullable Place placeBeside(long bytes) {
    Admission.Place place = null;
    try {
      place = besides.enter();
      place.hold(bytes);
      return place;
    } catch (ServingException full) {
      if (place != null) {
        place.close();
      }
      meters.beside(Beside.DROPPED);
      return null;
    }
  }

  /**
   * Lets the server answer, and our model adapt to it where it adapts.
   *
   * @param asked what the request was read into; null where it goes through unread
   */
  private <T> CompletableFuture<T> forward(Exchange<T> exchange, @Nullable Asked asked) {
    Map<String, Object> parameters = asked == null ? Map.of() : asked.request().parameters();
    Duration most = service.timeout(parameters, exchange.call());
    Duration own = server.config().timeout();
    Duration timeout = own.compareTo(most) < 0 ? own : most;
    Duration left = timeout.minusNanos(System.nanoTime() - exchange.since());
    return send(exchange, asked, left, exchange.taking())
        .exceptionallyCompose(e -> CompletableFuture.failedFuture(refusal(e, timeout)))
        .whenComplete(
            (answer, e) ->
                service.tell(
                    exchange.queue().model().name(),
                    answer == null ? e : refusal(answer),
                    exchange.since()))
        .thenCompose(answer -> handOn(exchange, asked, answer));
  }

  private <T> CompletableFuture<T> handOn(
      Exchange<T> exchange, @Nullable Asked asked, HttpAnswer answer) {
    if (answer.isGood()) {
      adaptBeside(exchange, asked, answer);
    }
    T asItCame = exchange.form().handOn(answer);
    if (asItCame != null) {
      return CompletableFuture.completedFuture(asItCame);
    }
    Asked read = Objects.requireNonNull(asked, "what does not pass is read");
    return service.write(exchange, read, readBack(exchange, answer));
  }

  /** Sends a request as it came, or as it was read. */
  private CompletableFuture<HttpAnswer> send(
      Exchange<?> exchange, @Nullable Asked asked, Duration timeout, LongConsumer taking) {
    MultiMap headers = exchange.form().headers();
    Buffer body = exchange.form().body();
    try {
      if (body == null) {
        RequestEncoder.Encoded encoded = encode(Objects.requireNonNull(asked));
        taking.accept(encoded.value().length);
        body = Buffer.buffer(encoded.value());
        headers.set(
            "content-type", encoded.binary() ? "application/octet-stream" : "application/json");
        if (encoded.binary()) {
          headers.set(RestApi.HEADER_LENGTH, Integer.toString(encoded.headerLength()));
        }
      }
    } catch (ServingException e) {
      return CompletableFuture.failedFuture(e);
    }
    String path = UpstreamServer.path(watch.modelName(), exchange.call().version()) + "/infer";
    long since = System.nanoTime();
    return server
        .post(path, headers, body, timeout, taking)
        .toCompletionStage()
        .toCompletableFuture()
        .whenComplete((answer, e) -> count(answer, e, System.nanoTime() - since));
  }

  private RequestEncoder.Encoded encode(Asked asked) {
    try {
      return RequestEncoder.encode(
          asked.request(),
          asked.tensors().tensors(),
          watch.readsBinary() ? RequestEncoder.Form.BINARY : RequestEncoder.Form.JSON);
    } catch (InvalidRecordException e) {
      throw new ServingException(Kind.INVALID, String.valueOf(e.getMessage()));
    }
  }

  private void count(@Nullable HttpAnswer answer, @Nullable Throwable e, long nanos) {
    if (answer != null) {
      meters.answered(answer, nanos);
    } else if (e != null && InferenceService.cause(e) instanceof UpstreamException none) {
      meters.unanswered(none);
    }
  }

  /** What a client is told of a server that gave no answer. */
  private static Throwable refusal(Throwable e, Duration timeout) {
    if (!(InferenceService.cause(e) instanceof UpstreamException none)) {
      return e;
    }
    String message = String.valueOf(none.getMessage());
    return switch (none.kind()) {
      case UNREACHABLE -> new ServingException(Kind.UPSTREAM, message);
      case BUSY -> new ServingException(Kind.BUSY, message);
      case LATE ->
          new ServingException(Kind.LATE, message + " within " + timeout.toMillis() + " ms");
    };
  }

  /** What an answer refuses a request by; null where it does not. */
  private static @Nullable ServingException refusal(HttpAnswer answer) {
    if (answer.isGood()) {
      return null;
    }
    Kind kind =
        switch (answer.status()) {
          case 404 -> Kind.NOT_FOUND;
          case 408, 504 -> Kind.LATE;
          case 413 -> Kind.TOO_LARGE;
          case 429, 503 -> Kind.UNAVAILABLE;
          default -> answer.status() / 100 == 4 ? Kind.INVALID : Kind.UPSTREAM;
        };
    return new ServingException(kind, errorText(answer));
  }

  private static String errorText(HttpAnswer answer) {
    String status = "the upstream server answered " + answer.status();
    try {
      Object error = new JsonObject(answer.body()).getValue("error");
      return error instanceof String text ? text : status;
    } catch (DecodeException | ClassCastException e) {
      return status;
    }
  }

  /** Reads the server's answer for a client that cannot have it as it is. */
  private CompletableFuture<List<OutputSlice>> readBack(Exchange<?> exchange, HttpAnswer answer) {
    return CompletableFuture.supplyAsync(
        () -> {
          ServingException refused = refusal(answer);
          if (refused != null) {
            throw refused;
          }
          try {
            InferenceModel model = exchange.queue().model();
            List<OutputSlice> slices = new ArrayList<>();
            decode(model, answer, exchange.taking())
                .forEach((name, tensor) -> slices.add(OutputSlice.of(name, tensor)));
            return slices;
          } catch (InvalidRecordException e) {
            throw new ServingException(Kind.UPSTREAM, "the upstream server: " + e.getMessage());
          }
        },
        service.codec());
  }

  private void adaptBeside(Exchange<?> exchange, @Nullable Asked asked, HttpAnswer answer) {
    if (!exchange.queue().model().mode().adapts() || !watch.fits()) {
      return;
    }
    Admission.Place place = placeBeside(asked == null ? exchange.bytes() : asked.tensors().bytes());
    if (place == null) {
      return;
    }
    try {
      beside.execute(() -> adapt(exchange, asked, answer, place));
    } catch (RejectedExecutionException e) {
      place.close(); // the agent stops
    }
  }

  private void adapt(
      Exchange<?> exchange, @Nullable Asked known, HttpAnswer answer, Admission.Place place) {
    InferenceModel model = exchange.queue().model();
    try {
      Asked asked = known != null ? known : InferenceService.readNow(exchange, place::hold);
      Map<String, Tensor> answered = decode(model, answer, place::hold);
      PendingRequest pending =
          new PendingRequest(
              asked.request(),
              asked.tensors(),
              InferenceService.stream(asked.request(), exchange.call()),
              rowByRow(answered, asked.request().samples()));
      exchange.queue().submit(pending);
      var unused =
          pending
              .answer()
              .handleAsync((ours, e) -> told(model, ours, e, answered), beside)
              .whenComplete((done, e) -> place.close());
    } catch (InvalidRecordException | RuntimeException e) {
      place.close();
      log.debug("{}: not adapted to a request", model.name(), e);
      meters.beside(Beside.UNREADABLE);
    }
  }

  private @Nullable Void told(
      InferenceModel model,
      @Nullable List<OutputSlice> ours,
      @Nullable Throwable e,
      Map<String, Tensor> answered) {
    if (ours == null) {
      log.debug("{}: not adapted to a request", model.name(), e);
      meters.beside(Beside.FAILED);
    } else {
      meters.compare(model.outputs(), ours, answered);
    }
    return null;
  }

  /** The outputs that have one entry a sample, which can be put together with others'. */
  private static Map<String, Tensor> rowByRow(Map<String, Tensor> answered, int samples) {
    Map<String, Tensor> rows = new HashMap<>();
    answered.forEach(
        (name, tensor) -> {
          if (tensor.rank() > 0 && tensor.size(0) == samples) {
            rows.put(name, tensor);
          }
        });
    return rows;
  }

  @Override
  public void close() {
    watch.close();
    beside.shutdown();
  }
}
