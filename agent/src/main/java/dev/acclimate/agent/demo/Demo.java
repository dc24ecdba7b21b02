package dev.acclimate.agent.demo;

import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.streams.RequestEncoder;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamHealth;
import dev.acclimate.streams.StreamReplay;
import dev.acclimate.streams.StreamReplay.LabelledSample;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * Several methods side by side on one stream: each is a stream processor with a consumer group of
 * its own, all read the same topic, and a scoreboard reads what they wrote.
 *
 * <p>The topic has one partition, so that all methods meet the samples in the order in which they
 * were sent, and batches wait long enough to be full: a run gives the same figures every time.
 */
public final class Demo implements AutoCloseable {
  public static final String REQUESTS = "demo.in";
  public static final String LABELS = "demo.feedback";

  /** Samples a batch. */
  public static final int BATCH = StreamConfig.Batching.DEFAULT_MAX;

  private static final int ON_THEIR_WAY = 8 * BATCH;
  private static final Duration FILL = Duration.ofSeconds(2);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final DemoSetup setup;
  private final String bootstrap;
  private final List<Contestant> contestants = new ArrayList<>();

  private Demo(DemoSetup setup, String bootstrap) {
    this.setup = setup;
    this.bootstrap = bootstrap;
  }

  /** Creates the topics and starts a processor a method. The broker stays the caller's to close. */
  public static Demo start(DemoSetup setup, EmbeddedBroker broker, MeterRegistry registry) {
    Demo demo = new Demo(setup, broker.bootstrap());
    List<StreamConfig> configs = setup.entrants().stream().map(demo::config).toList();
    broker.createTopics(
        Stream.concat(
                Stream.of(REQUESTS, LABELS),
                configs.stream().flatMap(c -> Stream.of(c.topics().out(), c.topics().deadLetter())))
            .map(Demo::topic)
            .toList());
    try {
      for (int m = 0; m < configs.size(); m++) {
        Entrant entrant = setup.entrants().get(m);
        demo.contestants.add(
            Contestant.start(
                entrant,
                setup.model(),
                setup.seed(),
                setup.calibrations().get(entrant.method().calibrationComponents()),
                setup.session(),
                configs.get(m),
                registry));
      }
      return demo;
    } catch (RuntimeException e) {
      demo.close();
      throw e;
    }
  }

  private StreamConfig config(Entrant entrant) {
    String name = "demo." + entrant.slug();
    StreamConfig.Topics topics =
        new StreamConfig.Topics(REQUESTS, name + ".out", name + ".dead", LABELS, null);
    return StreamConfig.of(bootstrap, name, topics)
        .withBatch(BATCH, FILL)
        .withModel(setup.model().name(), StreamConfig.DEFAULT_MODEL_VERSION);
  }

  private static NewTopic topic(String name) {
    // as large as a processor takes, with room for the envelope
    int most = StreamConfig.Batching.DEFAULT.maxRecordBytes() + (64 << 10);
    return new NewTopic(name, 1, (short) 1)
        .configs(Map.of("max.message.bytes", Integer.toString(most)));
  }

  /** The worst of the processors' health. */
  public StreamHealth health() {
    StreamHealth worst = contestants.get(0).health();
    for (Contestant contestant : contestants) {
      StreamHealth health = contestant.health();
      worst = worst.ready() ? health : worst;
    }
    return worst;
  }

  /**
   * Sends the samples and waits until all methods have answered.
   *
   * @param stopping asked now and then whether to give up
   * @throws IllegalStateException when a processor has failed, or nothing comes any more
   * @throws CancellationException when it was to give up
   */
  public Summary run(Iterator<LabelledSample> samples, LiveTable table, BooleanSupplier stopping) {
    Scoreboard board = new Scoreboard(contestants.size(), setup.segments());
    List<StreamConfig.Topics> topics = contestants.stream().map(Contestant::topics).toList();
    CompletableFuture<Void> sent = new CompletableFuture<>();
    Iterator<LabelledSample> paced = new PacedSamples(samples, board::passed, ON_THEIR_WAY);
    Thread sender = new Thread(() -> send(paced, sent), "acclimate-demo-replay");
    try (AnswerReader reader = new AnswerReader(bootstrap, LABELS, topics, board)) {
      awaitReady(stopping);
      table.begin();
      long start = System.nanoTime();
      sender.start();
      follow(board, reader, table, sent, stopping);
      double seconds = (System.nanoTime() - start) / 1e9;
      reader.drain();
      List<Long> rejected = contestants.stream().map(Contestant::rejectedSteps).toList();
      return new Summary(setup.entrants(), board, rejected, seconds);
    } finally {
      sender.interrupt();
      table.abandon();
    }
  }

  private void awaitReady(BooleanSupplier stopping) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!health().ready()) {
      check(stopping);
      if (System.nanoTime() > end) {
        throw new IllegalStateException("the methods are not ready: " + health().detail());
      }
      pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void send(Iterator<LabelledSample> samples, CompletableFuture<Void> sent) {
    RequestEncoder encoder = new RequestEncoder(setup.input(), RequestEncoder.Form.BINARY);
    try (StreamReplay replay = StreamReplay.open(config(setup.entrants().get(0)), encoder)) {
      var unused = replay.send(samples, StreamReplay.Timetable.AT_ONCE, count -> {});
      sent.complete(null);
    } catch (RuntimeException e) {
      sent.completeExceptionally(e);
    }
  }

  private void follow(
      Scoreboard board,
      AnswerReader reader,
      LiveTable table,
      CompletableFuture<Void> sent,
      BooleanSupplier stopping) {
    long passed = 0;
    long lastNews = System.nanoTime();
    while (!board.finished()) {
      reader.poll();
      table.update(board);
      check(stopping);
      rethrow(sent);
      if (board.passed() > passed) {
        passed = board.passed();
        lastNews = System.nanoTime();
      } else if (System.nanoTime() - lastNews > PATIENCE.toNanos()) {
        return; // the summary tells what is missing
      }
    }
  }

  private void check(BooleanSupplier stopping) {
    if (stopping.getAsBoolean()) {
      throw new CancellationException("stopped");
    }
    StreamHealth health = health();
    if (health.status() == StreamHealth.Status.FAILED) {
      throw new IllegalStateException("a method's stream failed: " + health.detail());
    }
  }

  private static void rethrow(CompletableFuture<Void> sent) {
    try {
      sent.getNow(null);
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /** Stops the processors. */
  @Override
  public void close() {
    contestants.forEach(Contestant::stop);
    contestants.forEach(Contestant::close);
  }
}
