package dev.acclimate.agent.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.agent.serving.InferenceService;
import dev.acclimate.agent.serving.ModelRepository;
import dev.acclimate.agent.serving.RequestListener;
import dev.acclimate.agent.serving.RestApi;
import dev.acclimate.agent.serving.ServingConfig;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The document that is served says what is there, no more and no less. */
class OpenApiTest {
  /** The paths that the agent has without models. */
  private static final List<String> AGENT =
      List.of("get /metrics", "get /v2/health/live", "get /v2/health/ready");

  private static final Administered NO_MODELS =
      new Administered() {
        @Override
        public List<ServedModel> models() {
          return List.of();
        }

        @Override
        public Optional<ModelSignals> signals(String model) {
          return Optional.empty();
        }

        @Override
        public int waiting(String model) {
          return 0;
        }

        @Override
        public CompletableFuture<Void> switchMethod(String model, String method) {
          throw new AssertionError("there is none");
        }
      };

  private static Set<String> routes() {
    Vertx vertx = Vertx.vertx();
    ModelRepository repository =
        new ModelRepository(
            ServingConfig.DEFAULT,
            (file, name) -> {
              throw new AssertionError("nothing is loaded");
            });
    Router router = Router.router(vertx);
    Set<String> routes = new TreeSet<>(AGENT);
    try (InferenceService service =
            new InferenceService(ServingConfig.DEFAULT, repository, RequestListener.NONE);
        AdminApi api = AdminApi.mount(vertx, router, NO_MODELS, AccessControl.of(true, null))) {
      assertThat(api).isNotNull();
      RestApi.mount(vertx, router, service);
      for (Route route : router.getRoutes()) {
        if (route.methods() != null && route.getPath() != null) {
          String path = route.getPath().replaceAll(":(\\w+)", "{$1}");
          route
              .methods()
              .forEach(verb -> routes.add(verb.name().toLowerCase(Locale.ROOT) + " " + path));
        }
      }
    } finally {
      var unused = vertx.close();
    }
    return routes;
  }

  private static Set<String> documented() throws Exception {
    try (InputStream in = AdminApi.class.getResourceAsStream("openapi.json")) {
      JsonNode paths = new ObjectMapper().readTree(in).get("paths");
      Set<String> documented = new TreeSet<>();
      paths
          .fields()
          .forEachRemaining(
              path ->
                  path.getValue()
                      .fieldNames()
                      .forEachRemaining(verb -> documented.add(verb + " " + path.getKey())));
      return documented;
    }
  }

  @Test
  void describesEveryPathAndNoOther() throws Exception {
    assertThat(documented()).isEqualTo(routes());
  }
}
