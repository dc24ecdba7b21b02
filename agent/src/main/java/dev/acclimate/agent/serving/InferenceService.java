package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.ServingException.Kind;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.DeadLetterReason;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.InferenceResponse;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestDecoder;
import dev.acclimate.streams.RequestTensors;
import dev.acclimate.streams.ResponseEncoder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Answers inference requests, whichever way they come. Decoding and encoding have threads of their
 * own, the models theirs; the event loop does neither.
 */
public final class InferenceService implements AutoCloseable {
  /** The request parameter and HTTP header that name the stream a request belongs to. */
  public static final String STREAM_PARAMETER = "stream";

  /** Microseconds that a request may take, as Triton's clients send it. */
  public static final String TIMEOUT_PARAMETER = "timeout";

  private static final int MOST_STREAM_LETTERS = 256;

  private final ServingConfig config;
  private final ModelRepository repository;
  private final Admission admission;
  private final ExecutorService codec;
  private final RequestListener listener;

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

  public ServingConfig config() {
    return config;
  }

  public ModelRepository repository() {
    return repository;
  }

  Admission admission() {
    return admission;
  }

  /**
   * What a request says outside its body.
   *
   * @param headerLength bytes of the JSON header of a request in binary form, as text; else null
   * @param stream the stream that it belongs to; null where it does not say
   * @param timeout how long it may take; null for what its parameters or the configuration say
   */
  record Envelope(
      @Nullable String headerLength, @Nullable String stream, @Nullable Duration timeout) {}

  /** Answers a request in the protocol's JSON or binary form. */
  CompletableFuture<InferenceResponse> infer(
      String name, @Nullable String version, byte[] body, Envelope envelope) {
    long since = System.nanoTime();
    return CompletableFuture.completedFuture(body)
        .thenComposeAsync(bytes -> inferNow(name, version, bytes, envelope, since), codec);
  }

  private CompletableFuture<InferenceResponse> inferNow(
      String name, @Nullable String version, byte[] body, Envelope envelope, long since) {
    BatchQueue queue = repository.queue(name, version);
    InferenceModel model = queue.model();
    RequestTensors tensors = new RequestTensors(model.inputs(), body.length);
    InferenceRequest request = decode(model, body, envelope, tensors);
    return answer(queue, request, tensors, envelope, since)
        .thenApplyAsync(slices -> encode(model, request, slices), codec);
  }

  private InferenceRequest decode(
      InferenceModel model, byte[] body, Envelope envelope, RequestTensors tensors) {
    try {
      return new RequestDecoder(model.inputs(), model.outputs(), config.requestBytes())
          .decode(body, envelope.headerLength(), tensors);
    } catch (InvalidRecordException e) {
      tensors.close();
      throw refused(e);
    }
  }

  static ServingException refused(InvalidRecordException e) {
    Kind kind = e.reason() == DeadLetterReason.TOO_LARGE ? Kind.TOO_LARGE : Kind.INVALID;
    return new ServingException(kind, String.valueOf(e.getMessage()));
  }

  /** Lets the model answer within the request's time. */
  CompletableFuture<List<OutputSlice>> answer(
      BatchQueue queue,
      InferenceRequest request,
      RequestTensors tensors,
      Envelope envelope,
      long since) {
    Duration timeout = timeout(request, envelope);
    long left = timeout.toNanos() - (System.nanoTime() - since);
    if (left <= 0) {
      tensors.close();
      throw late(timeout);
    }
    PendingRequest pending;
    try {
      pending = new PendingRequest(request, tensors, stream(request, envelope));
      queue.submit(pending);
    } catch (ServingException | InvalidInputException e) {
      tensors.close();
      throw e;
    }
    return pending
        .answer()
        .orTimeout(left, TimeUnit.NANOSECONDS)
        .exceptionallyCompose(
            e ->
                CompletableFuture.failedFuture(
                    cause(e) instanceof TimeoutException ? late(timeout) : e))
        .whenComplete((slices, e) -> tell(queue.model().name(), e, since));
  }

  private void tell(String model, @Nullable Throwable e, long since) {
    if (e == null) {
      listener.answered(model, System.nanoTime() - since);
    } else {
      listener.refused(model);
    }
  }

  private static ServingException late(Duration timeout) {
    return new ServingException(Kind.LATE, "no answer within " + timeout.toMillis() + " ms");
  }

  private Duration timeout(InferenceRequest request, Envelope envelope) {
    Duration asked = envelope.timeout();
    if (asked == null && request.parameters().get(TIMEOUT_PARAMETER) instanceof Number micros) {
      asked = Duration.ofNanos(1000 * Math.max(0, Math.min(micros.longValue(), 1L << 40)));
    }
    return asked == null || asked.compareTo(config.timeout()) > 0 ? config.timeout() : asked;
  }

  private static String stream(InferenceRequest request, Envelope envelope) {
    Object parameter = request.parameters().get(STREAM_PARAMETER);
    String stream = parameter != null ? parameter.toString() : envelope.stream();
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

  private static InferenceResponse encode(
      InferenceModel model, InferenceRequest request, List<OutputSlice> slices) {
    try {
      return new ResponseEncoder(model.outputs(), model.name(), model.version())
          .encode(request, slices, request::wantsBinary);
    } catch (InvalidRecordException e) {
      throw new ServingException(
          Kind.FAILED, e.getMessage() + "; ask for it with the parameter binary_data");
    }
  }

  /** What a future failed with. */
  static Throwable cause(Throwable e) {
    Throwable cause = e;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  @Override
  public void close() {
    repository.close();
    codec.shutdown();
  }
}
