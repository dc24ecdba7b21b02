package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.serving.ServingException.Kind;
import dev.acclimate.agent.upstream.HttpAnswer;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.TensorInfo;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Open Inference Protocol v2 over HTTP, with the extensions {@code binary_tensor_data} and
 * {@code model_repository}. Everything that goes wrong is answered by {@code {"error": "..."}}.
 *
 * <p>The path's {@code {m}} is a model's name, followed by {@code /versions/{v}} or not.
 */
public final class RestApi {
  /** The header that names a request's stream, where its parameter {@code stream} does not. */
  public static final String STREAM_HEADER = "acclimate-stream";

  /** The header that gives a request's time in milliseconds. */
  public static final String TIMEOUT_HEADER = "acclimate-timeout-ms";

  /** Bytes of the JSON header of a request or response in binary form. */
  public static final String HEADER_LENGTH = "inference-header-content-length";

  /** What the protocol calls a platform: ONNX files on ONNX Runtime. */
  public static final String PLATFORM = "onnxruntime_onnx";

  static final List<String> EXTENSIONS = List.of("binary_tensor_data", "model_repository");

  private static final Logger log = LoggerFactory.getLogger(RestApi.class);
  private static final String RETRY_SECONDS = "1";

  private final Vertx vertx;
  private final InferenceService service;

  private RestApi(Vertx vertx, InferenceService service) {
    this.vertx = vertx;
    this.service = service;
  }

  /** Adds the protocol's paths, but for {@code /v2/health}, to a router. */
  public static void mount(Vertx vertx, Router router, InferenceService service) {
    RestApi api = new RestApi(vertx, service);
    router.route("/v2/*").order(-1).handler(api::refuseReturned);
    router.get("/v2").handler(api::server);
    for (String model : List.of("/v2/models/:model", "/v2/models/:model/versions/:version")) {
      router.get(model).handler(api::metadata);
      router.get(model + "/ready").handler(api::ready);
      router.post(model + "/infer").handler(api::infer);
    }
    router.post("/v2/repository/index").handler(api::index);
    router
        .post("/v2/repository/models/:model/load")
        .handler(context -> api.change(context, service.repository()::load));
    router
        .post("/v2/repository/models/:model/unload")
        .handler(context -> api.change(context, service.repository()::unload));
  }

  /** Lets a router tell what went wrong as the protocol says. */
  public static void tellErrors(Router router) {
    for (int status : new int[] {400, 404, 405, 413, 415, 500}) {
      router.errorHandler(status, context -> tell(context, status));
    }
  }

  private static void tell(RoutingContext context, int status) {
    String path = ModelRepository.shortened(String.valueOf(context.request().path()));
    String what =
        switch (status) {
          case 404 -> "no such path: " + context.request().method() + " " + path;
          case 405 -> path + " is not asked by " + context.request().method();
          case 500 -> "an error of the server's own; its log tells more";
          default -> "the request cannot be understood";
        };
    if (status == 500 && context.failure() != null) {
      log.error("{} {}", context.request().method(), path, context.failure());
    }
    error(context.response(), status, what);
  }

  /** A server behind this one that leads back here would go round and round. */
  private void refuseReturned(RoutingContext context) {
    guarded(
        context,
        () -> {
          service.requireNew(context.request().headers());
          context.next();
        });
  }

  private void server(RoutingContext context) {
    answer(
        context.response(),
        200,
        new JsonObject()
            .put("name", "acclimate")
            .put("version", serverVersion())
            .put("extensions", new JsonArray(EXTENSIONS)));
  }

  /** The server's version. */
  public static String serverVersion() {
    String version = RestApi.class.getPackage().getImplementationVersion();
    return Objects.requireNonNullElse(version, "development");
  }

  private InferenceModel model(RoutingContext context) {
    return service.repository().model(context.pathParam("model"), context.pathParam("version"));
  }

  private void metadata(RoutingContext context) {
    guarded(
        context,
        () -> {
          InferenceModel model = model(context);
          answer(
              context.response(),
              200,
              new JsonObject()
                  .put("name", model.name())
                  .put("versions", new JsonArray().add(model.version()))
                  .put("platform", PLATFORM)
                  .put("inputs", tensors(model.inputs()))
                  .put("outputs", tensors(model.outputs())));
        });
  }

  private static JsonArray tensors(List<TensorInfo> infos) {
    JsonArray tensors = new JsonArray();
    for (TensorInfo info : infos) {
      JsonArray shape = new JsonArray();
      info.dimensions().stream().map(Dimension::size).forEach(shape::add);
      tensors.add(
          new JsonObject()
              .put("name", info.name())
              .put("datatype", info.type().name())
              .put("shape", shape));
    }
    return tensors;
  }

  private void ready(RoutingContext context) {
    String name = context.pathParam("model");
    guarded(
        context,
        () -> {
          boolean ready = service.isReady(name, context.pathParam("version"));
          answer(
              context.response(),
              ready ? 200 : 503,
              new JsonObject().put("name", name).put("ready", ready));
        });
  }

  private static void guarded(RoutingContext context, Runnable handling) {
    try {
      handling.run();
    } catch (ServingException e) {
      fail(context.response(), e);
    }
  }

  private void infer(RoutingContext context) {
    withBody(
        context,
        (body, place) ->
            onContext(service.infer(call(context), context.request().headers(), body, place))
                .onSuccess(answer -> send(context.response(), answer)));
  }

  private InferenceService.Call call(RoutingContext context) {
    HttpServerRequest request = context.request();
    String timeout = request.getHeader(TIMEOUT_HEADER);
    Context loop = vertx.getOrCreateContext();
    return new InferenceService.Call(
        context.pathParam("model"),
        context.pathParam("version"),
        request.getHeader(HEADER_LENGTH),
        request.getHeader(STREAM_HEADER),
        timeout == null ? null : timeout(timeout),
        task -> loop.runOnContext(now -> task.run()));
  }

  private static Duration timeout(String text) {
    try {
      return Duration.ofMillis(Math.max(0, Integer.parseInt(text.trim())));
    } catch (NumberFormatException e) {
      throw new ServingException(
          Kind.INVALID,
          "header "
              + TIMEOUT_HEADER
              + ": expected milliseconds, found '"
              + ModelRepository.shortened(text)
              + "'");
    }
  }

  private void index(RoutingContext context) {
    withBody(
        context,
        (body, place) -> {
          boolean readyOnly = Boolean.TRUE.equals(object(body).getValue("ready"));
          return vertx
              .executeBlocking(() -> service.repository().index(readyOnly), false)
              .onSuccess(
                  entries -> {
                    JsonArray lines = new JsonArray();
                    entries.forEach(entry -> lines.add(line(entry)));
                    send(context.response(), 200, lines.toBuffer());
                  });
        });
  }

  private static JsonObject line(ModelRepository.Entry entry) {
    JsonObject line = new JsonObject().put("name", entry.name());
    if (!entry.version().isEmpty()) {
      line.put("version", entry.version());
    }
    return line.put("state", entry.state()).put("reason", entry.reason());
  }

  private static JsonObject object(byte[] body) {
    if (body.length == 0) {
      return new JsonObject();
    }
    try {
      return new JsonObject(Buffer.buffer(body));
    } catch (DecodeException | ClassCastException e) {
      throw new ServingException(Kind.INVALID, "expected a JSON object, found other content");
    }
  }

  /** What a change of the repository is done by. */
  @FunctionalInterface
  private interface Change {
    CompletableFuture<Void> of(String model);
  }

  private void change(RoutingContext context, Change change) {
    withBody(
        context,
        (body, place) -> {
          object(body);
          return onContext(change.of(context.pathParam("model")))
              .onSuccess(done -> answer(context.response(), 200, new JsonObject()));
        });
  }

  /** What is done with a request's body; sends the answer itself unless it fails. */
  @FunctionalInterface
  private interface BodyUse {
    Future<?> of(byte[] body, Admission.Place place);
  }

  private void withBody(RoutingContext context, BodyUse use) {
    HttpServerRequest request = context.request();
    HttpServerResponse response = context.response();
    Admission.Place place;
    try {
      requireKnownMedia(request);
      place = service.admission().enter();
    } catch (ServingException e) {
      fail(request, response, e);
      return;
    }
    BodyReader.read(vertx, request, service.config(), place)
        .compose(body -> use.of(body, place))
        .onComplete(
            done -> {
              place.close();
              if (done.failed()) {
                fail(request, response, done.cause());
              }
            });
  }

  /**
   * A page of another site can make a browser send forms and plain text here, but no JSON without
   * asking first.
   */
  private static void requireKnownMedia(HttpServerRequest request) {
    String type = request.getHeader("content-type");
    if (type != null
        && !type.regionMatches(true, 0, "application/json", 0, 16)
        && !type.regionMatches(true, 0, "application/octet-stream", 0, 24)) {
      throw new ServingException(
          Kind.MEDIA,
          "content-type: expected application/json or application/octet-stream, found '"
              + ModelRepository.shortened(type)
              + "'");
    }
  }

  private <T> Future<T> onContext(CompletableFuture<T> answer) {
    Context context = vertx.getOrCreateContext();
    return Future.fromCompletionStage(answer, context);
  }

  private static void send(HttpServerResponse response, HttpAnswer answer) {
    response.setStatusCode(answer.status());
    for (String name : answer.headers().names()) {
      response.putHeader(name, answer.headers().getAll(name));
    }
    end(response, answer.body());
  }

  private static void answer(HttpServerResponse response, int status, JsonObject body) {
    send(response, status, body.toBuffer());
  }

  private static void send(HttpServerResponse response, int status, Buffer body) {
    response.setStatusCode(status).putHeader("content-type", "application/json");
    end(response, body);
  }

  private static void end(HttpServerResponse response, Buffer body) {
    if (!response.closed()) {
      var unused = response.end(body);
    }
  }

  private static void error(HttpServerResponse response, int status, String message) {
    if (status == 503) {
      response.putHeader("retry-after", RETRY_SECONDS);
    }
    answer(response, status, new JsonObject().put("error", message));
  }

  private static void fail(HttpServerResponse response, ServingException e) {
    error(response, e.kind().status(), String.valueOf(e.getMessage()));
  }

  private static void closing(HttpServerRequest request) {
    var unused = request.connection().close();
  }

  /**
   * Whether the rest of a request's body is let pass, so that its connection can go on. To open one
   * anew for each request that was refused would be more work than to answer it.
   */
  private boolean letsPass(HttpServerRequest request, Throwable cause) {
    return cause instanceof ServingException refusal
        && refusal.kind() == Kind.BUSY
        && BodyReader.announced(request) > 0
        && BodyReader.announced(request) <= service.config().requestBytes();
  }

  private void fail(HttpServerRequest request, HttpServerResponse response, Throwable e) {
    if (response.ended() || response.closed()) {
      return;
    }
    Throwable cause = InferenceService.cause(e);
    boolean unread = !request.isEnded() && !letsPass(request, cause);
    if (unread && request.version() != HttpVersion.HTTP_2) {
      response.putHeader("connection", "close"); // the rest of the body is not waited for
      response.endHandler(sent -> closing(request));
    }
    if (cause instanceof ServingException refusal) {
      fail(response, refusal);
    } else if (cause instanceof IllegalArgumentException) {
      error(response, 400, String.valueOf(cause.getMessage()));
    } else {
      log.error("answering {}", ModelRepository.shortened(String.valueOf(request.path())), cause);
      error(response, 500, "an error of the server's own; its log tells more");
    }
  }
}
