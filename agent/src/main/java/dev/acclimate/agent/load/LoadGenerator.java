package dev.acclimate.agent.load;

import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Puts a server on this host under load: by clients who each wait for their answer before they ask
 * again, or at a rate that heeds no answer. All on one event loop, which takes as little of the
 * machine as asking can.
 */
public final class LoadGenerator implements AutoCloseable {
  /** Longer than any server keeps a request by itself. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final int MOST_QUESTIONS = 64;
  private static final int LEAST_QUESTIONS = 4;
  private static final long MOST_BYTES = 32L << 20;
  private static final int MOST_OPEN = 2048;

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final int port;
  private final String model;

  /**
   * Load for a model of a server.
   *
   * @param port of a server on this host's loopback address
   */
  public LoadGenerator(int port, String model) {
    this.port = port;
    this.model = model;
  }

  /** Requests, and what they are to be answered by. */
  public record Questions(Wire wire, List<Question> list) {
    public Questions {
      list = List.copyOf(list);
    }
  }

  /**
   * Questions of one sample each.
   *
   * @param samples {@code [N, ...]}, of which as many are taken as memory is given to
   * @param answering gives the model's own first output for a sample; null where answers depend on
   *     what was asked before
   */
  public Questions questions(
      Wire wire, TensorInfo input, Tensor samples, @Nullable Function<Tensor, float[]> answering) {
    List<Question> questions = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < Math.min(MOST_QUESTIONS, samples.size(0)); i++) {
      try (Tensor sample = samples.slice(i, 1)) {
        Wire.Body body = wire.encode(model, input, sample.toFloatArray());
        questions.add(new Question(body, answering == null ? null : answering.apply(sample)));
        bytes += body.content().length();
      }
      if (bytes > MOST_BYTES && questions.size() >= LEAST_QUESTIONS) {
        break;
      }
    }
    return new Questions(wire, questions);
  }

  /**
   * What clients saw who wait for their answers.
   *
   * @param tally of all their requests
   * @param rate good answers a second, once all clients were at work
   */
  public record Waited(Tally tally, double rate) {}

  /** Clients who ask again as soon as they have an answer. */
  public Waited closedLoop(Questions questions, int clients, Duration time) {
    InferenceClient client = client(questions, clients);
    Promise<ClosedLoop> done = Promise.promise();
    vertx.runOnContext(
        now -> {
          ClosedLoop loop = new ClosedLoop(client, time);
          loop.start(clients).map(loop).onComplete(done);
        });
    ClosedLoop loop = await(done.future(), time.plus(PATIENCE));
    await(client.close(), PATIENCE);
    return loop.result();
  }

  /** Requests at a rate, whatever becomes of them. */
  public OpenLoop openLoop(Questions questions, double perSecond) {
    return new OpenLoop(vertx, client(questions, MOST_OPEN), perSecond);
  }

  private InferenceClient client(Questions questions, int connections) {
    return new InferenceClient(vertx, port, model, questions.wire(), questions.list(), connections);
  }

  static <T> T await(Future<T> future, Duration most) {
    try {
      return future
          .toCompletionStage()
          .toCompletableFuture()
          .get(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("the server did not answer: " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer in " + most.toSeconds() + " s", e);
    }
  }

  @Override
  public void close() {
    await(vertx.close(), PATIENCE);
  }
}
