package dev.acclimate.agent.upstream;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An inference server, asked over HTTP. Each request says by {@code via} (RFC 9110, 7.6.3) that it
 * comes from this agent, so that one which comes back is known. Thread-safe.
 */
public final class UpstreamServer {
  /** The header that tells through whom a request has come. */
  public static final String VIA = "via";

  private static final Logger log = LoggerFactory.getLogger(UpstreamServer.class);
  private static final int CONNECT_MILLIS = 5000;

  /** Less than the 5 s after which uvicorn, behind many servers, closes idle connections. */
  private static final int KEEP_ALIVE_SECONDS = 4;

  private static final long MOST_BYTES = 1 << 20;

  private final Vertx vertx;
  private final UpstreamConfig config;
  private final HttpClient client;
  private final String pseudonym = "acclimate-" + UUID.randomUUID();

  /** A client of that server; it closes with {@code vertx}. */
  public UpstreamServer(Vertx vertx, UpstreamConfig config) {
    this.vertx = vertx;
    this.config = config;
    HttpClientOptions options =
        new HttpClientOptions()
            .setSsl(config.isSecure())
            .setConnectTimeout(CONNECT_MILLIS)
            .setKeepAliveTimeout(KEEP_ALIVE_SECONDS);
    this.client =
        vertx.createHttpClient(options, new PoolOptions().setHttp1MaxSize(config.connections()));
  }

  public UpstreamConfig config() {
    return config;
  }

  /** True for a request that has been here before. */
  public boolean hasSent(MultiMap headers) {
    return headers.getAll(VIA).stream().anyMatch(via -> via.contains(pseudonym));
  }

  /** The path of a model: its metadata, and what other paths of it begin with. */
  public static String path(String model, @Nullable String version) {
    String path = "/v2/models/" + encoded(model);
    return version == null ? path : path + "/versions/" + encoded(version);
  }

  private static String encoded(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Asks for what is at a path, in moderate size. */
  Future<HttpAnswer> get(String path, Duration timeout) {
    AtomicLong left = new AtomicLong(MOST_BYTES);
    return ask(
        HttpMethod.GET,
        path,
        List.of(),
        Buffer.buffer(),
        timeout,
        bytes -> {
          if (left.addAndGet(-bytes) < 0) {
            throw new UpstreamException(
                UpstreamException.Kind.UNREACHABLE,
                "the upstream server says more of itself than " + MOST_BYTES + " bytes");
          }
        });
  }

  /**
   * Asks the server.
   *
   * @param headers of the client's request, of which the end to end ones go on
   * @param taking is told the bytes of the answer as they come, and may throw
   * @return its answer, whatever its status; fails with an {@link UpstreamException} where there is
   *     none, or with what {@code taking} threw
   */
  public Future<HttpAnswer> post(
      String path,
      Iterable<Map.Entry<String, String>> headers,
      Buffer body,
      Duration timeout,
      LongConsumer taking) {
    return ask(HttpMethod.POST, path, headers, body, timeout, taking);
  }

  private Future<HttpAnswer> ask(
      HttpMethod method,
      String path,
      Iterable<Map.Entry<String, String>> headers,
      Buffer body,
      Duration timeout,
      LongConsumer taking) {
    Context context = vertx.getOrCreateContext();
    Asking asking = new Asking(timeout, taking);
    RequestOptions options =
        new RequestOptions()
            .setMethod(method)
            .setHost(config.url().getHost())
            .setPort(config.port())
            .setURI(base() + path)
            .setHeaders(headers(headers))
            .setConnectTimeout(Math.max(1, timeout.toMillis()));
    context.runOnContext(now -> asking.start(options, body));
    return asking.done.future();
  }

  private String base() {
    String path = config.url().getRawPath();
    return path == null ? "" : path.replaceFirst("/+$", "");
  }

  private MultiMap headers(Iterable<Map.Entry<String, String>> headers) {
    MultiMap all = EndToEndHeaders.of(headers);
    all.set("accept-encoding", "identity"); // what is compared is not to be unpacked first
    all.add(VIA, "1.1 " + pseudonym);
    if (config.authorization() != null) {
      all.set("authorization", config.authorization());
    }
    return all;
  }

  /** One request on its way. All on one event loop. */
  private final class Asking {
    private final Promise<HttpAnswer> done = Promise.promise();
    private final Duration timeout;
    private final LongConsumer taking;
    private final Buffer body = Buffer.buffer();
    private @Nullable HttpClientRequest request;
    private long timer;

    Asking(Duration timeout, LongConsumer taking) {
      this.timeout = timeout;
      this.taking = taking;
    }

    void start(RequestOptions options, Buffer content) {
      timer = vertx.setTimer(Math.max(1, timeout.toMillis()), id -> fail(late()));
      client
          .request(options)
          .compose(
              opened -> {
                request = opened;
                if (done.future().isComplete()) {
                  return opened.reset().mapEmpty(); // its time went by in the wait
                }
                opened.exceptionHandler(this::broke);
                return content.length() == 0 ? opened.send() : opened.send(content);
              })
          .onSuccess(
              response -> {
                if (response != null) {
                  read(response);
                }
              })
          .onFailure(this::broke);
    }

    private void read(HttpClientResponse response) {
      response.exceptionHandler(this::broke);
      response.handler(
          chunk -> {
            try {
              taking.accept(chunk.length());
              body.appendBuffer(chunk);
            } catch (RuntimeException e) {
              fail(e);
            }
          });
      response.endHandler(
          end -> {
            vertx.cancelTimer(timer);
            done.tryComplete(
                new HttpAnswer(
                    response.statusCode(), EndToEndHeaders.of(response.headers()), body));
          });
    }

    private UpstreamException late() {
      return new UpstreamException(
          UpstreamException.Kind.LATE, "the upstream server gave no answer");
    }

    private void broke(Throwable e) {
      if (e instanceof ConnectionPoolTooBusyException) {
        fail(
            new UpstreamException(
                UpstreamException.Kind.BUSY, "too many requests wait for the upstream server"));
        return;
      }
      log.debug("asking {}", config, e);
      fail(
          new UpstreamException(
              UpstreamException.Kind.UNREACHABLE,
              "the upstream server cannot be reached: " + reason(e)));
    }

    private void fail(RuntimeException e) {
      vertx.cancelTimer(timer);
      HttpClientRequest open = request;
      if (done.tryFail(e) && open != null) {
        var unused = open.reset();
      }
    }
  }

  /** Why, without address and host name, which are not the client's to know. */
  private static String reason(Throwable e) {
    if (e instanceof java.net.ConnectException) {
      return "it refuses connections";
    }
    if (e instanceof java.net.UnknownHostException) {
      return "its host is not known";
    }
    if (e instanceof javax.net.ssl.SSLException) {
      return "no secure connection";
    }
    return "its connection broke off";
  }
}
