package dev.acclimate.agent.admin;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.guard.GuardSignals;
import dev.acclimate.adapters.serving.LabelledAccuracy;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.LabelDecoder;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Administration of served models below {@code /api}, and the page at {@code /}; {@code
 * /openapi.json} describes it. Every change is an event that says who asked for it.
 *
 * <p>Errors are {@code {"error": "..."}}: 400 for what cannot be done, 401 and 403 as {@link
 * AccessControl} says, 404 for names that are not there, 413 for a state that is too large.
 */
public final class AdminApi implements ModelEvents, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AdminApi.class);
  private static final long MOST_JSON_BYTES = 64 << 10;
  private static final int MOST_LABELS = 1 << 16;
  private static final long MOST_STATE_BYTES = 512L << 20;
  private static final String ASKED = "administration";

  private final Vertx vertx;
  private final Administered models;
  private final LiveFeed feed;
  private final Map<String, Snapshots> snapshots = new ConcurrentHashMap<>();

  private AdminApi(Vertx vertx, Administered models) {
    this.vertx = vertx;
    this.models = models;
    this.feed = new LiveFeed(vertx, models, Clock.systemUTC());
  }

  /**
   * Adds the paths to a router.
   *
   * @param access lets requests pass or answers them
   */
  public static AdminApi mount(
      Vertx vertx, Router router, Administered models, AccessControl access) {
    AdminApi api = new AdminApi(vertx, models);
    Dashboard.mount(router);
    router.route("/api/*").handler(access);
    router.route("/v2/repository/models/*").handler(access);
    router.get("/api/models").handler(api::list);
    router.get("/api/history").handler(context -> Replies.json(context, 200, api.feed.history()));
    router.get("/api/events").handler(api.feed::listen);
    String model = "/api/models/:model";
    router.get(model).handler(context -> api.answer(context, () -> describe(api.model(context))));
    router.get(model + "/state").handler(api::download);
    router.put(model + "/state").handler(bodies(MOST_STATE_BYTES)).handler(api::upload);
    router.get(model + "/snapshots").handler(api::listSnapshots);
    router.post(model + "/snapshots").handler(api::takeSnapshot);
    router.post(model + "/snapshots/:id/restore").handler(api::restoreSnapshot);
    router.post(model + "/reset").handler(api::reset);
    router.post(model + "/labels").handler(bodies(MOST_JSON_BYTES)).handler(api::label);
    router.put(model + "/mode").handler(bodies(MOST_JSON_BYTES)).handler(api::setMode);
    router.put(model + "/method").handler(bodies(MOST_JSON_BYTES)).handler(api::setMethod);
    return api;
  }

  private static BodyHandler bodies(long most) {
    return BodyHandler.create(false).setBodyLimit(most);
  }

  @Override
  public void event(String model, String what, String why) {
    feed.event(model, what, why);
  }

  @Override
  public void gone(String model) {
    snapshots.remove(model);
  }

  private void list(RoutingContext context) {
    answer(
        context,
        () -> {
          JsonArray all = new JsonArray();
          models.models().forEach(model -> all.add(describe(model)));
          return new JsonObject().put("models", all);
        });
  }

  private static JsonObject describe(ServedModel model) {
    JsonObject description =
        new JsonObject()
            .put("name", model.name())
            .put("version", model.version())
            .put("method", model.method())
            .put("mode", model.mode().toString())
            .put("step", model.step())
            .put("sites", model.sites().size())
            .put("stateful", model.stateBytes() > 0)
            .put("state_bytes", model.stateBytes());
    model.signals().ifPresent(seen -> description.put("guard", guard(seen)));
    LabelledAccuracy accuracy = model.accuracy();
    description.put("labels", accuracy.labels());
    if (accuracy.labels() > 0) {
      description.put("accuracy", accuracy.given());
    }
    return description;
  }

  private static String guard(GuardSignals seen) {
    if (seen.trusted()) {
      return "adapted answers";
    }
    return seen.held() ? "frozen answers, updates held" : "frozen answers";
  }

  private ServedModel model(RoutingContext context) {
    String name = context.pathParam("model");
    return models.models().stream()
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UnknownNameException(
                    "expected a model out of "
                        + models.models().stream().map(ServedModel::name).toList()
                        + ", found another name"));
  }

  private Snapshots snapshots(ServedModel model) {
    return snapshots.computeIfAbsent(model.name(), name -> new Snapshots(Clock.systemUTC()));
  }

  private void download(RoutingContext context) {
    blocking(
            () -> {
              ServedModel model = model(context);
              try (AdaptationState state = model.state()) {
                return state.toBytes();
              }
            })
        .onSuccess(
            content -> {
              var unused =
                  context
                      .response()
                      .putHeader("content-type", "application/octet-stream")
                      .putHeader("cache-control", "no-store")
                      .end(Buffer.buffer(content));
            })
        .onFailure(e -> fail(context, e));
  }

  private void upload(RoutingContext context) {
    byte[] content =
        context.body().buffer() == null ? new byte[0] : context.body().buffer().getBytes();
    answer(
        context,
        () -> {
          ServedModel model = model(context);
          try (AdaptationState state = model.parseState("state", content)) {
            snapshots(model).take(model, "upload");
            model.restore(state);
            feed.event(model.name(), "state uploaded", "step " + state.step() + ", " + ASKED);
          }
          return describe(model);
        });
  }

  private void listSnapshots(RoutingContext context) {
    answer(
        context,
        () -> {
          JsonArray all = new JsonArray();
          snapshots(model(context)).list().forEach(one -> all.add(describe(one)));
          return new JsonObject().put("snapshots", all);
        });
  }

  private static JsonObject describe(Snapshots.Snapshot one) {
    return new JsonObject()
        .put("id", one.id())
        .put("time", one.time())
        .put("step", one.step())
        .put("bytes", one.content().length)
        .put("by", one.by());
  }

  private void takeSnapshot(RoutingContext context) {
    answer(
        context,
        () -> {
          ServedModel model = model(context);
          Snapshots.Snapshot taken = snapshots(model).take(model, "hand");
          feed.event(model.name(), "snapshot " + taken.id(), "step " + taken.step() + ", " + ASKED);
          return describe(taken);
        });
  }

  private void restoreSnapshot(RoutingContext context) {
    answer(
        context,
        () -> {
          ServedModel model = model(context);
          Snapshots.Snapshot back = snapshots(model).restore(model, context.pathParam("id"));
          feed.event(
              model.name(), "rolled back", "to snapshot " + back.id() + ", step " + back.step());
          return describe(back);
        });
  }

  private void reset(RoutingContext context) {
    answer(
        context,
        () -> {
          ServedModel model = model(context);
          snapshots(model).take(model, "reset");
          model.reset();
          feed.event(model.name(), "state reset", ASKED);
          return describe(model);
        });
  }

  private void label(RoutingContext context) {
    Buffer body = context.body().buffer();
    answer(
        context,
        () -> {
          ServedModel model = model(context);
          LabelDecoder.Labelled labelled = labelled(body == null ? new byte[0] : body.getBytes());
          int right =
              model
                  .label(labelled.id(), labelled.labels())
                  .orElseThrow(
                      () ->
                          new UnknownNameException(
                              "id: expected that of a recent request without labels yet, found"
                                  + " another"));
          return new JsonObject().put("labels", labelled.labels().length).put("right", right);
        });
  }

  private static LabelDecoder.Labelled labelled(byte[] body) {
    try {
      return new LabelDecoder(MOST_LABELS).decode(body);
    } catch (InvalidRecordException e) {
      throw new InvalidInputException(String.valueOf(e.getMessage()), e);
    }
  }

  private void setMode(RoutingContext context) {
    answer(
        context,
        () -> {
          ServedModel model = model(context);
          model.setMode(Mode.parse(text(context, "mode")));
          return describe(model);
        });
  }

  private void setMethod(RoutingContext context) {
    blocking(() -> models.switchMethod(model(context).name(), text(context, "method")))
        .compose(switching -> Future.fromCompletionStage(switching, vertx.getOrCreateContext()))
        .compose(done -> blocking(() -> switched(model(context))))
        .onSuccess(body -> Replies.json(context, 200, body))
        .onFailure(e -> fail(context, e));
  }

  private JsonObject switched(ServedModel model) {
    snapshots.remove(model.name()); // of the method before
    feed.event(model.name(), "method " + model.method(), ASKED);
    return describe(model);
  }

  private static String text(RoutingContext context, String field) {
    Buffer body = context.body().buffer();
    try {
      Object value = body == null ? null : new JsonObject(body).getValue(field);
      if (value instanceof String text) {
        return text;
      }
    } catch (DecodeException | ClassCastException e) {
      // told below, in the words that fit both
    }
    throw new InvalidInputException("expected a JSON object with a text '" + field + "'");
  }

  private <T> Future<T> blocking(Callable<T> what) {
    return vertx.executeBlocking(what, false);
  }

  private void answer(RoutingContext context, Callable<JsonObject> what) {
    blocking(what)
        .onSuccess(body -> Replies.json(context, 200, body))
        .onFailure(e -> fail(context, e));
  }

  private static void fail(RoutingContext context, Throwable e) {
    Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof UnknownNameException) {
      Replies.error(context, 404, String.valueOf(cause.getMessage()));
    } else if (cause instanceof InvalidInputException) {
      Replies.error(context, 400, String.valueOf(cause.getMessage()));
    } else {
      log.error("{} {}", context.request().method(), context.normalizedPath(), cause);
      Replies.error(context, 500, "an error of the agent's own; its log tells more");
    }
  }

  @Override
  public void close() {
    feed.close();
  }
}
