package dev.acclimate.agent.admin;

import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The page at {@code /}: three files, nothing from elsewhere. */
final class Dashboard {
  /** Lets a browser run the page's own script and nothing else. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private Dashboard() {}

  static void mount(Router router) {
    serve(router, "/", "index.html", "text/html; charset=utf-8");
    serve(router, "/dashboard.css", "dashboard.css", "text/css; charset=utf-8");
    serve(router, "/dashboard.js", "dashboard.js", "text/javascript; charset=utf-8");
    serve(router, "/openapi.json", "openapi.json", "application/json");
  }

  private static void serve(Router router, String path, String resource, String type) {
    Buffer content = Buffer.buffer(read(resource));
    router
        .get(path)
        .handler(
            context -> {
              var unused =
                  context
                      .response()
                      .putHeader("content-type", type)
                      .putHeader("content-security-policy", POLICY)
                      .putHeader("x-content-type-options", "nosniff")
                      .putHeader("referrer-policy", "no-referrer")
                      .putHeader("cache-control", "no-cache")
                      .end(content);
            });
  }

  private static byte[] read(String name) {
    try (InputStream in = Dashboard.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("no resource " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
