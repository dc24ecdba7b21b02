package dev.acclimate.agent;

import dev.acclimate.streams.TraceContext;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives each response the trace headers of its request as they came, see {@link TraceContext}, and
 * tells of the request under its trace where the log's level is debug.
 */
final class RequestTrace implements Handler<RoutingContext> {
  private static final Logger log = LoggerFactory.getLogger(RequestTrace.class);

  @Override
  public void handle(RoutingContext context) {
    HttpServerRequest request = context.request();
    for (String name : List.of(TraceContext.TRACEPARENT, TraceContext.TRACESTATE)) {
      String value = request.getHeader(name);
      if (value != null) {
        context.response().putHeader(name, value);
      }
    }
    if (log.isDebugEnabled()) {
      context.addEndHandler(ended -> tell(context));
    }
    context.next();
  }

  private static void tell(RoutingContext context) {
    HttpServerRequest request = context.request();
    Runnable line =
        () ->
            log.debug(
                "{} {}: {}", request.method(), request.path(), context.response().getStatusCode());
    String traceparent = request.getHeader(TraceContext.TRACEPARENT);
    if (traceparent == null) {
      line.run();
    } else {
      TraceContext.parse(traceparent).ifPresentOrElse(trace -> trace.logging(line), line);
    }
  }
}
