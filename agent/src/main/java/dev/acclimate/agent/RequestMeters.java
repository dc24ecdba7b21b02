package dev.acclimate.agent;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.RoutingContext;
import java.util.concurrent.TimeUnit;

/**
 * Counts and times HTTP requests: {@code acclimate.http.requests}, tagged by route and by class of
 * status. Routes are templates such as {@code /v2/models/:model/infer}, {@code grpc} for all of
 * gRPC, whose own status is not HTTP's, and {@code none} for paths that are not there; a request
 * whose client has gone before its answer is {@code aborted}. Streams of events, which are open for
 * as long as someone looks, are left out.
 */
final class RequestMeters implements Handler<RoutingContext> {
  private static final String EVENTS = "/api/events";

  private final MeterRegistry registry;

  RequestMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  @Override
  public void handle(RoutingContext context) {
    long begin = System.nanoTime();
    context.addEndHandler(
        ended -> {
          String route = route(context);
          if (!route.equals(EVENTS)) {
            timer(route, status(context)).record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
          }
        });
    context.next();
  }

  private Timer timer(String route, String status) {
    return Timer.builder("acclimate.http.requests")
        .description("HTTP requests, from their head to the end of their answer")
        .tag("route", route)
        .tag("status", status)
        .register(registry);
  }

  private static String route(RoutingContext context) {
    if (isGrpc(context.request())) {
      return "grpc";
    }
    Route route = context.currentRoute();
    String path = route == null ? null : route.getPath();
    return path == null ? "none" : path;
  }

  /** Whether a request is one of gRPC's. */
  static boolean isGrpc(HttpServerRequest request) {
    String type = request.getHeader("content-type");
    return type != null && type.startsWith("application/grpc");
  }

  private static String status(RoutingContext context) {
    HttpServerResponse response = context.response();
    return response.ended() ? response.getStatusCode() / 100 + "xx" : "aborted";
  }
}
