package dev.acclimate.agent;

import dev.acclimate.agent.grpc.GrpcApi;
import dev.acclimate.agent.serving.InferenceService;
import dev.acclimate.agent.serving.RestApi;
import dev.acclimate.streams.StreamHealth;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.grpc.server.GrpcServer;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The agent's HTTP port: {@code /metrics} for Prometheus, {@code /v2/health/live} and {@code
 * /v2/health/ready} as the Open Inference Protocol names them, and the rest of that protocol where
 * the agent takes inference requests.
 *
 * <p>Live means that the process serves HTTP. Ready means that requests will be answered: the
 * stream, where there is one, is connected and holds partitions, and so will a server behind this
 * one where it has to; else 503, with the reason in the body.
 */
public final class AgentServer {
  /** Prometheus's text format, which every scraper reads. */
  private static final String TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

  private static final Duration DRAIN = Duration.ofSeconds(10);

  /** Connections on which nothing happens for so long are closed, slow senders' among them. */
  private static final int IDLE_SECONDS = 75;

  private final HttpServer server;

  private AgentServer(HttpServer server) {
    this.server = server;
  }

  /**
   * Starts listening.
   *
   * @param health the stream's health, empty while the agent has none
   * @param inference answers inference requests; null where none are taken
   * @param administration adds its paths, and who may change the repository of models
   */
  public static Future<AgentServer> start(
      Vertx vertx,
      AgentConfig.Http address,
      PrometheusMeterRegistry registry,
      Supplier<Optional<StreamHealth>> health,
      @Nullable InferenceService inference,
      Consumer<Router> administration) {
    Router router = Router.router(vertx);
    router.route().order(-2).handler(new RequestMeters(registry)).handler(new RequestTrace());
    RestApi.tellErrors(router);
    router.get("/metrics").handler(context -> metrics(vertx, context, registry));
    router
        .get("/v2/health/live")
        .handler(context -> answer(context, 200, new JsonObject().put("live", true)));
    Supplier<Optional<String>> upstream =
        () -> inference == null ? Optional.empty() : inference.problem();
    router.get("/v2/health/ready").handler(context -> ready(context, health.get(), upstream.get()));
    administration.accept(router);
    if (inference != null) {
      GrpcServer grpc = GrpcApi.create(vertx, inference, () -> ready(health.get(), upstream.get()));
      router.route().order(-1).handler(context -> grpcOr(context, grpc));
      RestApi.mount(vertx, router, inference);
    }
    return vertx
        .createHttpServer(options(address))
        .requestHandler(router)
        .listen()
        .map(AgentServer::new);
  }

  /**
   * HTTP/1.1 and HTTP/2, in plain text (h2c) and by TLS (ALPN) alike; bodies may be compressed both
   * ways.
   */
  private static HttpServerOptions options(AgentConfig.Http address) {
    HttpServerOptions options =
        new HttpServerOptions()
            .setHost(address.host())
            .setPort(address.port())
            .setDecompressionSupported(true)
            .setCompressionSupported(true)
            .setIdleTimeout(IDLE_SECONDS)
            .setHandle100ContinueAutomatically(true);
    AgentConfig.Tls tls = address.tls();
    if (tls != null) {
      options
          .setSsl(true)
          .setUseAlpn(true)
          .setKeyCertOptions(
              new PemKeyCertOptions()
                  .setCertPath(tls.certificate().toString())
                  .setKeyPath(tls.key().toString()));
    }
    return options;
  }

  private static void metrics(
      Vertx vertx, RoutingContext context, PrometheusMeterRegistry registry) {
    // gauges are read as the registry is scraped, and some of them take locks
    vertx
        .executeBlocking(() -> registry.scrape(TEXT_FORMAT), false)
        .onSuccess(
            text -> context.response().putHeader("content-type", TEXT_FORMAT).end(text).mapEmpty())
        .onFailure(context::fail);
  }

  /** gRPC shares the port: its requests are told by their content type. */
  private static void grpcOr(RoutingContext context, GrpcServer grpc) {
    if (RequestMeters.isGrpc(context.request())) {
      grpc.handle(context.request());
    } else {
      context.next();
    }
  }

  private static boolean ready(Optional<StreamHealth> health, Optional<String> upstream) {
    return health.map(StreamHealth::ready).orElse(true) && upstream.isEmpty();
  }

  private static void ready(
      RoutingContext context, Optional<StreamHealth> health, Optional<String> upstream) {
    boolean ready = ready(health, upstream);
    JsonObject body = new JsonObject().put("ready", ready);
    upstream.ifPresent(problem -> body.put("detail", problem));
    health.ifPresent(
        h ->
            body.put("stream", h.status().name().toLowerCase(Locale.ROOT))
                .put("partitions", h.partitions())
                .put("detail", h.detail()));
    answer(context, ready ? 200 : 503, body);
  }

  private static void answer(RoutingContext context, int status, JsonObject body) {
    var unused =
        context
            .response()
            .setStatusCode(status)
            .putHeader("content-type", "application/json")
            .end(body.toBuffer());
  }

  /** The port that is listened on. */
  public int port() {
    return server.actualPort();
  }

  /** Takes no more requests, and lets those in hand end within 10 s. */
  public Future<Void> close() {
    return server.shutdown(DRAIN);
  }
}
