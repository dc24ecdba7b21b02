package dev.acclimate.agent.serving;

import dev.acclimate.agent.serving.ServingException.Kind;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.util.Arrays;

/**
 * Reads a request's body into an array that no limit lets grow too far: of size, of the memory that
 * all requests share, of time. Event loop only.
 */
final class BodyReader {
  private static final int FIRST_BYTES = 64 << 10;

  private final HttpServerRequest request;
  private final ServingConfig config;
  private final Admission.Place place;
  private final Promise<byte[]> done = Promise.promise();
  private byte[] bytes = new byte[0];
  private int size;

  private BodyReader(HttpServerRequest request, ServingConfig config, Admission.Place place) {
    this.request = request;
    this.config = config;
    this.place = place;
  }

  /** Reads the body; fails with a {@link ServingException}. */
  static Future<byte[]> read(
      Vertx vertx, HttpServerRequest request, ServingConfig config, Admission.Place place) {
    BodyReader reader = new BodyReader(request, config, place);
    long timer = vertx.setTimer(config.bodyTime().toMillis(), id -> reader.slow());
    reader.start();
    return reader.done.future().onComplete(result -> vertx.cancelTimer(timer));
  }

  private void start() {
    long announced = announced(request);
    if (announced > config.requestBytes()) {
      refuse(tooLarge());
      return;
    }
    try {
      // no more than has come: a length that is only announced costs its sender nothing
      grow((int) Math.min(announced > 0 ? announced : FIRST_BYTES, FIRST_BYTES));
    } catch (ServingException e) {
      refuse(e);
      return;
    }
    request.handler(this::take);
    request.exceptionHandler(
        e -> done.tryFail(new ServingException(Kind.INVALID, "the body broke off: " + e)));
    request.endHandler(
        end -> done.tryComplete(size == bytes.length ? bytes : Arrays.copyOf(bytes, size)));
  }

  /** The length that a request says its body has; 0 where it says none. */
  static long announced(HttpServerRequest request) {
    String length = request.getHeader("content-length");
    try {
      return length == null ? 0 : Long.parseLong(length);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private void take(Buffer chunk) {
    if (done.future().isComplete()) {
      return;
    }
    if (chunk.length() > config.requestBytes() - size) {
      refuse(tooLarge());
      return;
    }
    int needed = size + chunk.length();
    try {
      if (needed > bytes.length) {
        grow(Math.min(config.requestBytes(), Math.max(needed, 2 * bytes.length)));
      }
    } catch (ServingException e) {
      refuse(e);
      return;
    }
    chunk.getBytes(bytes, size);
    size = needed;
  }

  private void grow(int to) {
    place.hold(to - bytes.length);
    bytes = Arrays.copyOf(bytes, to);
  }

  private ServingException tooLarge() {
    return new ServingException(
        Kind.TOO_LARGE, "expected a body of at most " + config.requestBytes() + " bytes");
  }

  private void slow() {
    refuse(
        new ServingException(
            Kind.SLOW,
            "the body took longer than " + config.bodyTime().toMillis() + " ms to arrive"));
  }

  private void refuse(ServingException e) {
    bytes = new byte[0];
    done.tryFail(e);
  }
}
