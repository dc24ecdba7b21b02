package dev.acclimate.agent.admin;

import dev.acclimate.adapters.serving.LabelledAccuracy;
import dev.acclimate.adapters.serving.ServedModel;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the page shows, as server-sent events and as the last minutes at once: {@code signals} every
 * second, {@code shift} every ten, {@code event} when something happens. Bounded in memory and in
 * listeners.
 */
final class LiveFeed implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LiveFeed.class);
  private static final long PERIOD_MILLIS = 1000;
  private static final int PERIODS_A_SHIFT = 10;
  private static final int MOST_LISTENERS = 64;
  private static final int MOST_SIGNALS = 10 * 60 * 8; // ten minutes of eight models
  private static final int MOST_SHIFTS = 60 * 8;
  private static final int MOST_EVENTS = 200;

  private final Vertx vertx;
  private final Administered models;
  private final Clock clock;
  private final long timer;
  private final Set<HttpServerResponse> listeners = ConcurrentHashMap.newKeySet();
  private final Deque<JsonObject> signals = new ArrayDeque<>();
  private final Deque<JsonObject> shifts = new ArrayDeque<>();
  private final Deque<JsonObject> events = new ArrayDeque<>();
  private long last;
  private int periods;
  private boolean busy;

  LiveFeed(Vertx vertx, Administered models, Clock clock) {
    this.vertx = vertx;
    this.models = models;
    this.clock = clock;
    this.last = clock.millis();
    this.timer = vertx.setPeriodic(PERIOD_MILLIS, id -> tick());
  }

  /** Off the event loop: a state waits for its model's turn. */
  private void tick() {
    synchronized (this) {
      if (busy) {
        return;
      }
      busy = true;
    }
    vertx
        .executeBlocking(
            () -> {
              measure();
              return null;
            },
            false)
        .onComplete(
            done -> {
              synchronized (this) {
                busy = false;
              }
              if (done.failed()) {
                log.warn("signals for the dashboard: {}", String.valueOf(done.cause()));
              }
            });
  }

  private void measure() {
    long now = clock.millis();
    double seconds = Math.max(now - last, 1) / 1000.0;
    last = now;
    boolean shiftsToo = periods++ % PERIODS_A_SHIFT == 0;
    for (ServedModel model : models.models()) {
      String name = model.name();
      models
          .signals(name)
          .ifPresent(
              one ->
                  publish(
                      "signals",
                      signals,
                      MOST_SIGNALS,
                      stamped(now, name)
                          .mergeIn(one.sumUp(seconds))
                          .mergeIn(accuracy(model.accuracy()))
                          .put("waiting", models.waiting(name))));
      if (shiftsToo) {
        shift(now, model);
      }
    }
  }

  /** Of both models over the same samples, where there are any. */
  private static JsonObject accuracy(LabelledAccuracy seen) {
    return Double.isNaN(seen.adapted())
        ? new JsonObject()
        : new JsonObject()
            .put("accuracy_adapted", seen.adapted())
            .put("accuracy_frozen", seen.frozen());
  }

  private void shift(long now, ServedModel model) {
    double[] values = model.shifts();
    if (values.length > 0) {
      JsonArray numbers = new JsonArray();
      for (double value : values) {
        numbers.add(value);
      }
      publish(
          "shift",
          shifts,
          MOST_SHIFTS,
          stamped(now, model.name())
              .put("sites", new JsonArray(model.sites()))
              .put("shifts", numbers));
    }
  }

  private static JsonObject stamped(long time, String model) {
    return new JsonObject().put("time", time).put("model", model);
  }

  /** Something happened to a model. */
  void event(String model, String what, String why) {
    publish(
        "event",
        events,
        MOST_EVENTS,
        stamped(clock.millis(), model).put("what", what).put("why", why));
  }

  private void publish(String name, Deque<JsonObject> kept, int most, JsonObject one) {
    synchronized (this) {
      kept.addLast(one);
      while (kept.size() > most) {
        kept.removeFirst();
      }
    }
    String text = "event: " + name + "\ndata: " + one.encode() + "\n\n";
    for (HttpServerResponse listener : listeners) {
      if (listener.closed() || listener.writeQueueFull()) {
        end(listener); // one that does not read would grow a queue: it asks anew
      } else {
        var unused = listener.write(text);
      }
    }
  }

  private void end(HttpServerResponse listener) {
    listeners.remove(listener);
    if (!listener.closed() && !listener.ended()) {
      var unused = listener.end();
    }
  }

  /** Keeps a response open and sends it what happens. */
  void listen(RoutingContext context) {
    if (listeners.size() >= MOST_LISTENERS) {
      context.response().putHeader("retry-after", "10");
      Replies.error(context, 503, "expected at most " + MOST_LISTENERS + " listeners");
      return;
    }
    HttpServerResponse response = context.response();
    response
        .setChunked(true)
        .putHeader("content-type", "text/event-stream")
        .putHeader("cache-control", "no-store")
        .putHeader("x-accel-buffering", "no")
        .putHeader("content-encoding", "identity"); // compression would hold events back
    response.closeHandler(closed -> listeners.remove(response));
    var unused = response.write(": events\n\n");
    listeners.add(response);
  }

  /** The last minutes. */
  synchronized JsonObject history() {
    return new JsonObject()
        .put("signals", array(signals))
        .put("shifts", array(shifts))
        .put("events", array(events));
  }

  private static JsonArray array(Collection<JsonObject> all) {
    return new JsonArray(new ArrayList<>(all));
  }

  @Override
  public void close() {
    vertx.cancelTimer(timer);
    List.copyOf(listeners).forEach(this::end);
  }
}
