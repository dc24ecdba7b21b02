package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.Exchange.Asked;
import dev.acclimate.agent.serving.ServingException.Kind;
import dev.acclimate.agent.upstream.HttpAnswer;
import dev.acclimate.agent.upstream.UpstreamMeters;
import dev.acclimate.agent.upstream.UpstreamServer;
import dev.acclimate.agent.upstream.UpstreamWatch;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.DeadLetterReason;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestTensors;
import io.vertx.core.MultiMap;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers inference requests, whichever way they come. Decoding and encoding have threads of their
 * own, the models theirs. What is small the event loop reads and writes itself: handing it to
 * another thread would take longer.
 */
public final class InferenceService implements AutoCloseable {
  /** The request parameter and HTTP header that name the stream a request belongs to. */
  public static final String STREAM_PARAMETER = "stream";

  /** Microseconds that a request may take, as Triton's clients send it. */
  public static final String TIMEOUT_PARAMETER = "timeout";

  private static final int MOST_STREAM_LETTERS = 256;
  private static final int QUICK_BINARY_BYTES = 256 << 10;
  private static final int QUICK_JSON_BYTES = 4 << 10;

  private final ServingConfig config;
  private final ModelRepository repository;
  private final Admission admission;
  private final ExecutorService codec;
  private final RequestListener listener;
  private volatile @Nullable Proxy proxy;

  /**
   * Serves the models of a repository, which closes with it.
   *
   * @param listener is told what becomes of requests
   */
  public InferenceService(
      ServingConfig config, ModelRepository repository, RequestListener listener) {
    this.config = config;
    this.repository = repository;
    this.listener = listener;
    this.admission = new Admission(config.concurrent(), config.memory());
    AtomicInteger number = new AtomicInteger();
    this.codec =
        Executors.newFixedThreadPool(
            Math.max(2, Runtime.getRuntime().availableProcessors()),
            task -> {
              Thread thread = new Thread(task, "acclimate-codec-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Forwards requests for the configured model to a server, from now on; the watch closes too. */
  public void forwardTo(UpstreamServer server, UpstreamWatch watch, UpstreamMeters meters) {
    proxy = new Proxy(this, server, watch, meters);
  }

  /**
   * Refuses a model in the place of the configured one that the server behind this one cannot have.
   *
   * @throws InvalidInputException naming the tensor, what was expected and what was found
   */
  public void requireFit(InferenceModel next) {
    Proxy between = proxy;
    if (between != null) {
      between.requireFit(next);
    }
  }

  /** Refuses a request that has come through this agent before. */
  void requireNew(MultiMap headers) {
    Proxy between = proxy;
    if (between != null) {
      between.requireNew(headers);
    }
  }

  Executor codec() {
    return codec;
  }

  public ServingConfig config() {
    return config;
  }

  public ModelRepository repository() {
    return repository;
  }

  /** Requests in hand. */
  public int requestsInHand() {
    return admission.requests();
  }

  /** Bytes that these hold. */
  public long bytesInHand() {
    return admission.bytes();
  }

  Admission admission() {
    return admission;
  }

  /**
   * A request, its body aside.
   *
   * @param version null for whichever is there
   * @param headerLength bytes of the JSON header of a request in binary form, as text; else null
   * @param stream the stream that it belongs to; null where it does not say
   * @param timeout how long it may take; null for what its parameters or the configuration say
   * @param loop the event loop that it came by, which does what takes it no time
   */
  public record Call(
      String model,
      @Nullable String version,
      @Nullable String headerLength,
      @Nullable String stream,
      @Nullable Duration timeout,
      Executor loop) {}

  /** Answers a request in the protocol's JSON or binary form. */
  CompletableFuture<HttpAnswer> infer(
      Call call, MultiMap headers, byte[] body, Admission.Place place) {
    boolean quick = isQuick(body.length, call.headerLength() != null);
    return infer(
        call, body.length, quick, place, new HttpForm(headers, body, config.requestBytes()));
  }

  /** True for what is read or written in less time than another thread takes to wake up. */
  private static boolean isQuick(long bytes, boolean binary) {
    return bytes <= (binary ? QUICK_BINARY_BYTES : QUICK_JSON_BYTES);
  }

  /**
   * Answers a request that came all at once, if there is room for one more.
   *
   * @param bytes size of the encoded request
   * @return the answer; exceptionally a {@link ServingException} where there is none
   * @throws ServingException where there is no room or no such model
   */
  public <T> CompletableFuture<T> infer(Call call, long bytes, RequestForm<T> form) {
    Admission.Place place = admission.enter();
    try {
      place.hold(bytes);
      return infer(call, bytes, isQuick(bytes, true), place, form)
          .whenComplete((answer, e) -> place.close());
    } catch (RuntimeException e) {
      place.close();
      throw e;
    }
  }

  private <T> CompletableFuture<T> infer(
      Call call, long bytes, boolean quick, Admission.Place place, RequestForm<T> form) {
    BatchQueue queue = repository.queue(call.model(), call.version());
    Exchange<T> exchange =
        new Exchange<>(call, queue, bytes, quick, place::hold, form, System.nanoTime());
    Proxy between = proxy;
    return between != null && repository.isConfigured(call.model())
        ? between.answer(exchange)
        : read(exchange).thenCompose(asked -> answer(exchange, asked));
  }

  /** Reads a request. */
  CompletableFuture<Asked> read(Exchange<?> exchange) {
    return CompletableFuture.supplyAsync(
        () -> readNow(exchange, exchange.taking()), exchange.quick() ? Runnable::run : codec);
  }

  static Asked readNow(Exchange<?> exchange, LongConsumer taking) {
    InferenceModel model = exchange.queue().model();
    RequestTensors tensors = new RequestTensors(model.inputs(), exchange.bytes(), taking);
    try {
      return new Asked(model, exchange.form().read(model, tensors), tensors);
    } catch (InvalidRecordException e) {
      tensors.close();
      throw refused(e);
    } catch (RuntimeException e) {
      tensors.close(); // no room for them, for one
      throw e;
    }
  }

  private static ServingException refused(InvalidRecordException e) {
    Kind kind = e.reason() == DeadLetterReason.TOO_LARGE ? Kind.TOO_LARGE : Kind.INVALID;
    return new ServingException(kind, String.valueOf(e.getMessage()));
  }

  /** Lets the model answer. */
  <T> CompletableFuture<T> answer(Exchange<T> exchange, Asked asked) {
    return write(exchange, asked, run(exchange, asked));
  }

  /** Lets the model answer within the request's time. */
  CompletableFuture<List<OutputSlice>> run(Exchange<?> exchange, Asked asked) {
    Duration timeout = timeout(asked.request().parameters(), exchange.call());
    long left = timeout.toNanos() - (System.nanoTime() - exchange.since());
    if (left <= 0) {
      asked.tensors().close();
      throw late(timeout);
    }
    PendingRequest pending;
    try {
      String stream = stream(asked.request(), exchange.call());
      pending = new PendingRequest(asked.request(), asked.tensors(), stream);
      exchange.queue().submit(pending);
    } catch (ServingException | InvalidInputException e) {
      asked.tensors().close();
      throw e;
    }
    return pending
        .answer()
        .orTimeout(left, TimeUnit.NANOSECONDS)
        .exceptionallyCompose(
            e ->
                CompletableFuture.failedFuture(
                    cause(e) instanceof TimeoutException ? late(timeout) : e))
        .whenComplete((slices, e) -> tell(exchange.queue().model().name(), e, exchange.since()));
  }

  /** Tells the listener what became of a request. */
  void tell(String model, @Nullable Throwable e, long since) {
    if (e == null) {
      listener.answered(model, System.nanoTime() - since);
    } else {
      listener.refused(model);
    }
  }

  private static ServingException late(Duration timeout) {
    return new ServingException(Kind.LATE, "no answer within " + timeout.toMillis() + " ms");
  }

  /** The shortest of what the request, its parameters and the configuration say. */
  Duration timeout(Map<String, Object> parameters, Call call) {
    Duration timeout = config.timeout();
    if (call.timeout() != null && call.timeout().compareTo(timeout) < 0) {
      timeout = call.timeout();
    }
    // as with Triton, 0 is no time of its own
    if (parameters.get(TIMEOUT_PARAMETER) instanceof Number micros
        && micros.longValue() > 0
        && micros.longValue() < timeout.toNanos() / 1000) {
      timeout = Duration.ofNanos(1000 * micros.longValue());
    }
    return timeout;
  }

  /** The stream that a request belongs to. */
  static String stream(InferenceRequest request, Call call) {
    Object parameter = request.parameters().get(STREAM_PARAMETER);
    String stream = parameter != null ? parameter.toString() : call.stream();
    if (stream == null) {
      return InferenceModel.NO_STREAM;
    }
    if (stream.length() > MOST_STREAM_LETTERS) {
      throw new ServingException(
          Kind.INVALID,
          "stream: expected at most " + MOST_STREAM_LETTERS + " letters, found " + stream.length());
    }
    return stream;
  }

  /** Writes a small answer on the event loop; others elsewhere. */
  <T> CompletableFuture<T> write(
      Exchange<T> exchange, Asked asked, CompletableFuture<List<OutputSlice>> answer) {
    return answer.thenComposeAsync(
        slices -> {
          long bytes = slices.stream().mapToLong(slice -> slice.bytes().limit()).sum();
          return CompletableFuture.supplyAsync(
              () -> writeNow(exchange, asked, slices),
              isQuick(bytes, asked.request().binary()) ? Runnable::run : codec);
        },
        exchange.call().loop());
  }

  private static <T> T writeNow(Exchange<T> exchange, Asked asked, List<OutputSlice> slices) {
    try {
      return exchange.form().write(asked.request(), asked.model(), slices);
    } catch (InvalidRecordException e) {
      throw new ServingException(
          Kind.FAILED, e.getMessage() + "; ask for it with the parameter binary_data");
    }
  }

  /** Whether a model answers; throws a {@link ServingException} where there is none. */
  public boolean isReady(String name, @Nullable String version) {
    try {
      var unused = repository.model(name, version);
    } catch (ServingException e) {
      if (e.kind() != Kind.UNAVAILABLE) {
        throw e;
      }
      return false;
    }
    return !repository.isConfigured(name) || problem().isEmpty();
  }

  /** Why the configured model does not answer; empty where it does. */
  public Optional<String> problem() {
    return Optional.ofNullable(proxy).flatMap(Proxy::problem);
  }

  /** What a future failed with. */
  public static Throwable cause(Throwable e) {
    Throwable cause = e;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  @Override
  public void close() {
    Proxy between = proxy;
    if (between != null) {
      between.close();
    }
    repository.close();
    codec.shutdown();
  }
}
