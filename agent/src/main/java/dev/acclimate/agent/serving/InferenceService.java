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
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
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
  CompletableFuture<InferenceResponse> infer(Call call, byte[] body, Admission.Place place) {
    return infer(
        call,
        body.length,
        isQuick(body.length, call.headerLength() != null),
        place,
        (model, tensors) ->
            new RequestDecoder(model.inputs(), model.outputs(), config.requestBytes())
                .decode(body, call.headerLength(), tensors),
        (request, model, slices) ->
            new ResponseEncoder(model.outputs(), model.name(), model.version())
                .encode(request, slices, request::wantsBinary));
  }

  /** True for what is read or written in less time than another thread takes to wake up. */
  private static boolean isQuick(long bytes, boolean binary) {
    return bytes <= (binary ? QUICK_BINARY_BYTES : QUICK_JSON_BYTES);
  }

  /** Reads a request. */
  @FunctionalInterface
  public interface Reading {
    /**
     * Reads it into a model's tensors.
     *
     * @throws InvalidRecordException when the model cannot be asked it
     */
    InferenceRequest into(InferenceModel model, RequestTensors tensors)
        throws InvalidRecordException;
  }

  /** Writes an answer. */
  @FunctionalInterface
  public interface Writing<T> {
    /**
     * Writes a model's outputs.
     *
     * @throws InvalidRecordException when they cannot be said in this form
     */
    T of(InferenceRequest request, InferenceModel model, List<OutputSlice> slices)
        throws InvalidRecordException;
  }

  /**
   * Answers a request that came all at once, if there is room for one more.
   *
   * @param bytes size of the encoded request
   * @return the answer; exceptionally a {@link ServingException} where there is none
   */
  public <T> CompletableFuture<T> infer(
      Call call, long bytes, Reading reading, Writing<T> writing) {
    Admission.Place place = admission.enter();
    try {
      place.hold(bytes);
      return infer(call, bytes, isQuick(bytes, true), place, reading, writing)
          .whenComplete((answer, e) -> place.close());
    } catch (RuntimeException e) {
      place.close();
      throw e;
    }
  }

  private <T> CompletableFuture<T> infer(
      Call call,
      long bytes,
      boolean quick,
      Admission.Place place,
      Reading reading,
      Writing<T> writing) {
    long since = System.nanoTime();
    return CompletableFuture.completedFuture(call)
        .thenComposeAsync(
            known -> {
              BatchQueue queue = repository.queue(known.model(), known.version());
              InferenceModel model = queue.model();
              RequestTensors tensors = new RequestTensors(model.inputs(), bytes, place::hold);
              InferenceRequest request = read(reading, model, tensors);
              return answer(queue, request, tensors, known, since)
                  .thenComposeAsync(slices -> write(writing, request, model, slices), call.loop());
            },
            quick ? Runnable::run : codec);
  }

  private static InferenceRequest read(
      Reading reading, InferenceModel model, RequestTensors tensors) {
    try {
      return reading.into(model, tensors);
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

  /** Lets the model answer within the request's time. */
  private CompletableFuture<List<OutputSlice>> answer(
      BatchQueue queue, InferenceRequest request, RequestTensors tensors, Call call, long since) {
    Duration timeout = timeout(request, call);
    long left = timeout.toNanos() - (System.nanoTime() - since);
    if (left <= 0) {
      tensors.close();
      throw late(timeout);
    }
    PendingRequest pending;
    try {
      pending = new PendingRequest(request, tensors, stream(request, call));
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

  /** The shortest of what the request, its parameters and the configuration say. */
  private Duration timeout(InferenceRequest request, Call call) {
    Duration timeout = config.timeout();
    if (call.timeout() != null && call.timeout().compareTo(timeout) < 0) {
      timeout = call.timeout();
    }
    // as with Triton, 0 is no time of its own
    if (request.parameters().get(TIMEOUT_PARAMETER) instanceof Number micros
        && micros.longValue() > 0
        && micros.longValue() < timeout.toNanos() / 1000) {
      timeout = Duration.ofNanos(1000 * micros.longValue());
    }
    return timeout;
  }

  private static String stream(InferenceRequest request, Call call) {
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

  /** Writes a small answer here and now, on the event loop; others elsewhere. */
  private <T> CompletableFuture<T> write(
      Writing<T> writing,
      InferenceRequest request,
      InferenceModel model,
      List<OutputSlice> slices) {
    long bytes = slices.stream().mapToLong(slice -> slice.bytes().limit()).sum();
    return CompletableFuture.supplyAsync(
        () -> writeNow(writing, request, model, slices),
        isQuick(bytes, request.binary()) ? Runnable::run : codec);
  }

  private static <T> T writeNow(
      Writing<T> writing,
      InferenceRequest request,
      InferenceModel model,
      List<OutputSlice> slices) {
    try {
      return writing.of(request, model, slices);
    } catch (InvalidRecordException e) {
      throw new ServingException(
          Kind.FAILED, e.getMessage() + "; ask for it with the parameter binary_data");
    }
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
    repository.close();
    codec.shutdown();
  }
}
