package dev.acclimate.agent.admin;

import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;

/** Answers in JSON, none of which a browser may keep. */
final class Replies {
  private Replies() {}

  static void json(RoutingContext context, int status, JsonObject body) {
    if (context.response().ended() || context.response().closed()) {
      return;
    }
    var unused =
        context
            .response()
            .setStatusCode(status)
            .putHeader("content-type", "application/json")
            .putHeader("cache-control", "no-store")
            .end(body.toBuffer());
  }

  static void error(RoutingContext context, int status, String what) {
    json(context, status, new JsonObject().put("error", what));
  }
}
