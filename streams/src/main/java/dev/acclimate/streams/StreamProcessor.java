package dev.acclimate.streams;

import dev.acclimate.adapters.Lessons;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.StreamHealth.Status;
import dev.acclimate.streams.feedback.FrozenModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.common.errors.RetriableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a Kafka topic of inference requests with a model that adapts as it goes, exactly once.
 *
 * <pre>{@code
 * StreamConfig config = StreamConfig.of("127.0.0.1:9092", "cameras",
 *     new StreamConfig.Topics("requests", "responses", "requests-dead"));
 * try (StreamProcessor processor = StreamProcessor.create(config, model, registry)) {
 *   processor.start();
 *   ...
 * }
 * }</pre>
 *
 * <h2>Batches and state</h2>
 *
 * Records are gathered into micro-batches, each of one {@link Scope}'s stream and in the order of
 * its log; {@link Lane} tells when one closes. Every stream has an adaptation state of its own,
 * which starts as the model's initial state and is folded over the stream's batches. The fold
 * depends on the log and on nothing else: not on when its records are read, nor by whom.
 *
 * <h2>Delivery</h2>
 *
 * A batch's responses, its dead letters, what the state journal gets of it, and the offsets commit
 * in one Kafka transaction, while the model runs the next batch. Consumers of the topic out that
 * read {@code read_committed} see every request answered once: by a response with the request's
 * key, or by a dead letter. Responses of one stream are sent in the order of their requests; Kafka
 * keeps that order among equal keys.
 *
 * <p>The journal ({@link dev.acclimate.streams.journal}) holds snapshots of states, now and then,
 * and between them which records made up which batch. Whoever takes a partition over, after a crash
 * as after a rebalance, goes on from the last snapshot, runs the batches since then again without
 * answering them, and has the state as of the last commit. Without a state topic the states are
 * lost then, and answers are still given once.
 *
 * <p>A model that learns from labels ({@link BatchModel#lessons}) takes its steps between two
 * batches, each in a transaction of its own: the snapshot of the state after it, and the offset up
 * to which the feedback topic's labels were used. So no label is learnt twice, what was learnt is
 * never lost, and the state after a crash is that of the last commit, to the bit. When a label
 * takes effect depends on when it comes: two runs over the same logs whose labels came at other
 * moments between the batches have states that differ. After a crash the requests that wait for
 * labels, and the labelled samples that are learnt from again, are read from the end of the logs
 * once more.
 *
 * <p>A response carries the headers {@code acclimate-method}, {@code acclimate-step} (how many
 * steps the state had behind it), the request's {@code traceparent} and {@code tracestate}, and in
 * binary form {@code inference-header-content-length}. Where the model's {@link BatchModel#mode} is
 * another than active, or a guard watches, {@code acclimate-answer} tells whether it is the {@code
 * adapted} model's or the {@code frozen} one's.
 *
 * <h2>The guard</h2>
 *
 * A model's {@link BatchModel#guard} watches over each state by itself. What it decides about a
 * state is part of the fold and journaled: a batch that the state did not take in leaves its step
 * as it is, and is not run again after a crash; a state that went back to a good one commits with a
 * snapshot of itself. What a guard has seen is not journaled, nor are the good states. After a
 * restart, a rebalance, a switch or a transaction that was given up it starts anew: answers are
 * frozen until there is evidence again, and the state as of the last commit stands in for a good
 * one.
 *
 * <h2>What goes wrong, and what happens then</h2>
 *
 * <ul>
 *   <li><b>A request that cannot be decoded</b> goes to the dead-letter topic with its key, value
 *       and headers, and {@code acclimate-reason}, {@code acclimate-origin-topic}, {@code
 *       -partition} and {@code -offset}. Its neighbours are answered. Give the dead-letter topic
 *       the {@code max.message.bytes} of the topic in, and some kilobytes for the headers.
 *   <li><b>The model throws.</b> The state goes back to what it was before the batch, and the
 *       batch's records run one by one; those that throw again are dead letters. After {@value
 *       #MAX_BARREN_BATCHES} such batches in a row without one answer the processor fails, rather
 *       than drain the topic into the dead letters of a model that is broken.
 *   <li><b>The transaction fails, or a rebalance takes the partition away</b>: the transaction is
 *       aborted, the state goes back to the last committed one, reading goes back to the committed
 *       offsets. This repeats, with pauses, until the cluster is well again; {@link #health()} is
 *       not ready meanwhile. A commit whose outcome is unknown is resolved with the broker first.
 *   <li><b>Another processor starts in the same group under the same {@code instance}.</b> It takes
 *       this one's place, and this one fails. A producer that is fenced while its place in the
 *       group is still its own, as after a transaction timed out while the machine slept, takes its
 *       transactional id back; the third time within {@value #FENCED_WINDOW_MINUTES} minutes the
 *       processor fails.
 *   <li><b>Anything else</b> (no permission, unsupported broker, a response larger than the topic
 *       allows, a defect): the processor fails. {@link #health()} says why, and {@link #stopped()}
 *       completes exceptionally. Nothing is lost: a restart goes on from the last commit.
 * </ul>
 *
 * <h2>Another model</h2>
 *
 * {@link #switchTo} goes on with another model or method at a batch boundary. The state of the one
 * before stays in the state topic; coming back to it goes on from there, as if the records in
 * between had not been. Answers stay exactly once, and to the group nothing happens: the gap is the
 * batches in hand, one commit and the reading of the journal. Without a state topic the states
 * start anew with each switch.
 *
 * <h2>Threads and lifecycle</h2>
 *
 * {@link #start()} runs the loop on a thread of its own, the only one to touch the model until the
 * processor has stopped. {@link #stop()} may be called from any thread: it finishes the batches in
 * hand, those that are not full only where their log has been read to its end, commits them and the
 * states, and leaves the group. The model stays the caller's to close, the registry too; the
 * processor takes its meters out when it stops. Memory: batches of direct buffers, one or two a
 * partition and what is open of each stream; states up to {@link
 * StreamConfig.StateKeeping#memoryBytes}, of {@link BatchModel.State#sizeInBytes} each.
 *
 * <p>After a crash, a processor that starts under the same {@code instance} takes its place in the
 * group at once; under another, or elsewhere in the group, the partitions wait until its session
 * has run out (45 seconds).
 *
 * <p>The consumer polls while the model runs, however long that takes, so {@code
 * max.poll.interval.ms} is not exceeded; partitions with a batch waiting are paused meanwhile.
 */
public final class StreamProcessor implements AutoCloseable {
  static final int MAX_BARREN_BATCHES = 16;
  static final int FENCED_WINDOW_MINUTES = 10;
  private static final int MAX_FENCED = 3;
  private static final int MAX_UNKNOWN = 10;
  private static final String FINISHING = "finishing the batches in hand";
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration MAX_BACKOFF = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(StreamProcessor.class);

  private final MeterRegistry registry;
  private final @Nullable Feedback feedback;
  private volatile Consumer<String> methodAsked =
      method -> log.warn("asked for {}, and nobody switches methods here", method);
  private final KafkaClients clients;
  private final GuardReports guards;
  private final TransactionalOutbox outbox;
  private final ModelThread modelThread;
  private final Thread thread;
  private final AtomicBoolean started = new AtomicBoolean();
  private final CountDownLatch stopSignal = new CountDownLatch(1);
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final AtomicReference<@Nullable ModelSwitch> asked = new AtomicReference<>();
  private volatile StreamConfig config;
  private volatile BatchModel model;
  private volatile StreamHealth health = new StreamHealth(Status.STARTING, 0, "not started");

  // What follows belongs to the processor's thread.
  private StreamMeters meters;
  private final List<Long> fencedAt = new ArrayList<>();
  private volatile @Nullable Pipeline pipeline; // other threads look at its figures only
  private @Nullable KafkaClientMetrics consumerMetrics;
  private boolean classicOnly;
  private int failures;
  private long lastFailure;

  private StreamProcessor(
      StreamConfig config,
      BatchModel model,
      MeterRegistry registry,
      @Nullable Feedback feedback,
      KafkaClients clients) {
    this.config = config;
    this.model = model;
    this.registry = registry;
    this.feedback = feedback;
    this.clients = clients;
    requireBatches(model, config);
    requireLabels(model, config);
    requireScores(model);
    loadFrozen(model);
    this.meters = meters(model);
    this.guards = new GuardReports(registry, config, model.guard());
    this.outbox = new TransactionalOutbox(clients, config, meters);
    this.modelThread = new ModelThread("acclimate-model-" + config.group());
    this.thread = new Thread(this::run, "acclimate-stream-" + config.group());
  }

  /** Refuses a model that does not lend itself to batches before anything is started. */
  private static void requireBatches(BatchModel model, StreamConfig config) {
    new InputBatch(model.inputs(), config.batching().max()).close();
  }

  /** Refuses a model that its guard cannot watch. */
  private static void requireScores(BatchModel model) {
    if (model.guard().watches()) {
      model.watch(model.initialState()).close();
    }
  }

  /** While nothing waits for it yet. */
  private static void loadFrozen(BatchModel model) {
    if (Answering.asksFrozen(model)) {
      model.loadFrozen();
    }
  }

  /** Refuses a method that learns from labels where these would not come. */
  private void requireLabels(BatchModel learning, StreamConfig with) {
    Optional<Lessons> lessons = learning.lessons();
    if (lessons.isEmpty()) {
      return;
    }
    new InputBatch(learning.inputs(), LaneLessons.mostSamples(lessons.get(), with)).close();
    if (feedback == null || with.topics().feedback() == null) {
      throw new InvalidInputException(
          "method: %s learns from labels: expected a topic for them in kafka.topics.feedback, found none"
              .formatted(learning.method()));
    }
    if (with.states().scope() == Scope.STREAM) {
      throw new InvalidInputException(
          "scope: expected partition or model with %s, whose labels teach one state a partition, found stream"
              .formatted(learning.method()));
    }
  }

  private StreamMeters meters(BatchModel counted) {
    StreamMeters made = new StreamMeters(registry, config.group(), counted.method(), this::health);
    made.watch(() -> Optional.ofNullable(pipeline));
    return made;
  }

  /**
   * A processor that has not started yet.
   *
   * @param model what answers; its initial state is where every stream starts from
   * @param registry where the processor's meters and its Kafka clients' go
   * @param feedback is told of the answers that are committed; the caller's to close afterwards
   * @throws InvalidInputException when the model's inputs do not lend themselves to batches
   */
  public static StreamProcessor create(
      StreamConfig config, BatchModel model, MeterRegistry registry, @Nullable Feedback feedback) {
    return create(config, model, registry, feedback, KafkaClients.real());
  }

  /** A processor whose answers nobody compares with labels. */
  public static StreamProcessor create(
      StreamConfig config, BatchModel model, MeterRegistry registry) {
    return create(config, model, registry, KafkaClients.real());
  }

  static StreamProcessor create(
      StreamConfig config, BatchModel model, MeterRegistry registry, KafkaClients clients) {
    return create(config, model, registry, null, clients);
  }

  static StreamProcessor create(
      StreamConfig config,
      BatchModel model,
      MeterRegistry registry,
      @Nullable Feedback feedback,
      KafkaClients clients) {
    return new StreamProcessor(config, model, registry, feedback, clients);
  }

  /**
   * Tells who switches methods when a record of the state topic asks for one; called on the
   * processor's thread, and to return at once.
   */
  public void onMethodAsked(Consumer<String> listener) {
    methodAsked = listener;
  }

  /** Starts the processor's thread, once. */
  public void start() {
    if (!started.compareAndSet(false, true)) {
      throw new IllegalStateException("started or stopped before");
    }
    thread.start();
  }

  /**
   * Asks the processor to finish the batches in hand and stop. Returns {@link #stopped()}; calling
   * it again, or before {@link #start()}, does no harm.
   */
  public CompletableFuture<Void> stop() {
    stopSignal.countDown();
    if (started.compareAndSet(false, true)) {
      close(null);
    }
    return stopped();
  }

  /**
   * Asks the processor to go on with another model, or the same one under another method, as soon
   * as the batches in hand are committed. Batches that wait for more records are not closed early.
   * The processor's state topic keeps the state of the model before.
   *
   * @param next answers from then on; the caller's to close, as is the one before, once it is done
   * @param name {@code model_name} of the responses
   * @param version {@code model_version} of the responses
   * @param frozen {@code next} before it adapted, for the comparison where labels come, null for
   *     none
   * @return done when the other model has taken over and the one before is at rest; exceptionally
   *     when it has not, because the processor stopped first or the model could not be prepared
   * @throws InvalidInputException when it takes other inputs than the model before, or has other
   *     classes where labels come; nothing changes then
   * @throws IllegalStateException when another switch is under way
   */
  public CompletableFuture<Void> switchTo(
      BatchModel next, String name, String version, @Nullable FrozenModel frozen) {
    StreamConfig changed = config.withModel(name, version);
    requireBatches(next, changed);
    requireLabels(next, changed);
    requireScores(next);
    ModelSwitch.requireSameInputs(model.inputs(), next.inputs());
    if (feedback != null) {
      feedback.requireFits(next.outputs());
    }
    loadFrozen(next);
    ModelSwitch ask = new ModelSwitch(next, changed, frozen, new CompletableFuture<>());
    if (!asked.compareAndSet(null, ask)) {
      throw new IllegalStateException("another switch is under way");
    }
    if (stopped.isDone()) {
      refuseSwitch();
    }
    return ask.done().copy();
  }

  private void refuseSwitch() {
    ModelSwitch ask = asked.getAndSet(null);
    if (ask != null) {
      ask.done().completeExceptionally(new IllegalStateException(name() + " has stopped"));
    }
  }

  /** Completes when the processor has stopped, with the error where one stopped it. */
  public CompletableFuture<Void> stopped() {
    return stopped.copy();
  }

  public StreamHealth health() {
    StreamHealth current = health;
    // from the call of stop() on, though the thread may have something to finish before it sees it
    return stopping() && current.ready()
        ? new StreamHealth(Status.STOPPING, current.partitions(), FINISHING)
        : current;
  }

  public StreamConfig config() {
    return config;
  }

  /** Stops and waits for the batch in hand to be finished. */
  @Override
  public void close() {
    var unused = stop();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean stopping() {
    return stopSignal.getCount() == 0;
  }

  private void run() {
    Throwable failure = null;
    try {
      health = new StreamHealth(Status.STARTING, 0, "connecting to " + config.bootstrap());
      boolean settled = attempt(this::open);
      while (!stopping()) {
        settled = attempt(this::turn);
      }
      if (settled) {
        finish();
      }
    } catch (Throwable e) {
      failure = e;
      log.error("{} stops: {}", name(), e.getMessage(), e);
    } finally {
      close(failure);
    }
  }

  /**
   * Does one thing. Where it fails, rolls back, again and again until that succeeds or is beyond
   * repair.
   *
   * @return false when a stop cut the rolling back short
   */
  private boolean attempt(Runnable action) {
    RuntimeException thrown = tried(action);
    while (thrown != null && !stopping()) {
      judge(thrown);
      log.warn("{} rolls back: {}", name(), thrown.getMessage());
      log.debug("{} rolls back", name(), thrown);
      int partitions = pipeline == null ? 0 : pipeline.partitions();
      health = new StreamHealth(Status.RECOVERING, partitions, String.valueOf(thrown));
      pause();
      thrown = tried(this::recover);
    }
    return thrown == null;
  }

  private static @Nullable RuntimeException tried(Runnable action) {
    try {
      action.run();
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }

  /** Throws what trying again does not mend. */
  private void judge(RuntimeException thrown) {
    long now = System.nanoTime();
    if (now - lastFailure > TimeUnit.MINUTES.toNanos(FENCED_WINDOW_MINUTES)) {
      failures = 0;
    }
    lastFailure = now;
    failures++;
    switch (Failure.of(thrown)) {
      case RETRIABLE -> {}
      case OLD_BROKERS -> {
        if (classicOnly) {
          throw thrown;
        }
        classicOnly = true;
        closePipeline();
      }
      case FENCED -> {
        fencedAt.add(now);
        fencedAt.removeIf(at -> now - at > TimeUnit.MINUTES.toNanos(FENCED_WINDOW_MINUTES));
        if (fencedAt.size() >= MAX_FENCED) {
          throw displaced(thrown);
        }
      }
      case DISPLACED -> throw displaced(thrown);
      case UNKNOWN -> {
        if (failures > MAX_UNKNOWN) {
          throw thrown;
        }
      }
      case FATAL -> throw thrown;
    }
  }

  private IllegalStateException displaced(RuntimeException thrown) {
    return new IllegalStateException(
        "another processor took the place of "
            + config.transactionalId()
            + ": give each processor of group "
            + config.group()
            + " an instance of its own",
        thrown);
  }

  private void pause() {
    long millis = Math.min(MAX_BACKOFF.toMillis(), 50L << Math.min(failures, 10));
    try {
      var unused = stopSignal.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void open() {
    outbox.reset();
    for (String topic : List.of(config.topics().out(), config.topics().deadLetter())) {
      requireTopic(topic);
    }
    if (pipeline == null) {
      try (Admin admin = clients.openAdmin(config)) {
        StateTopic.prepare(admin, config);
        GroupPlace.free(admin, config);
      }
      Pipeline opened =
          new Pipeline(
              settings(config),
              model,
              meters,
              outbox,
              modelThread,
              feedback,
              guards,
              clients,
              method -> methodAsked.accept(method));
      pipeline = opened;
      consumerMetrics = meters.bind(opened.consumer());
    }
    health = pipeline().health();
  }

  private StreamConfig settings(StreamConfig of) {
    return classicOnly ? GroupPlace.classic(of) : of;
  }

  private void requireTopic(String topic) {
    try {
      outbox.requireTopic(topic);
    } catch (RetriableException e) {
      throw new TopicUnreachableException("no word of topic " + topic + ": is it created?", e);
    }
  }

  /** Rolls back: no transaction open, states and positions as of the last commit. */
  private void recover() {
    open();
    pipeline().rollBack();
    health = pipeline().health();
  }

  private void turn() {
    ModelSwitch ask = asked.get();
    if (ask != null) {
      carryOut(ask);
    }
    Pipeline current = pipeline();
    if (current.turn()) {
      failures = 0;
    }
    if (health.status() != Status.RUNNING || health.partitions() != current.partitions()) {
      health = current.health();
    }
  }

  /**
   * Goes on with another model. What fails before it has taken over is tried again after a
   * roll-back; a model that cannot be prepared leaves the one before at work.
   */
  private void carryOut(ModelSwitch ask) {
    Pipeline current = pipeline();
    current.handOver();
    boolean sameMeters = ask.model().method().equals(model.method());
    StreamMeters next = sameMeters ? meters : meters(ask.model());
    Pipeline successor;
    try {
      successor = current.successor(settings(ask.config()), ask.model(), next);
    } catch (RuntimeException e) {
      if (!sameMeters) {
        next.close();
      }
      asked.set(null);
      ask.done().completeExceptionally(e);
      return;
    }
    pipeline = successor;
    current.release();
    model = ask.model();
    config = ask.config();
    if (!sameMeters) {
      count(next, successor);
    }
    guards.follow(config.modelName(), model.guard());
    if (feedback != null) {
      feedback.follow(ask.model().outputs(), ask.frozen());
    }
    asked.set(null);
    ask.done().complete(null);
  }

  private void count(StreamMeters next, Pipeline successor) {
    outbox.countWith(next);
    if (consumerMetrics != null) {
      consumerMetrics.close();
    }
    consumerMetrics = next.bind(successor.consumer());
    meters.close();
    meters = next;
  }

  /** Runs the batches in hand; what is not committed then is read again after the next start. */
  private void finish() {
    Pipeline current = pipeline();
    health = new StreamHealth(Status.STOPPING, current.partitions(), FINISHING);
    try {
      int batches = current.finish();
      log.info("{} stopped, {} batches in hand committed", name(), batches);
    } catch (RuntimeException e) {
      log.warn("{} leaves what is in hand to the next start: {}", name(), e.toString());
    }
  }

  private void close(@Nullable Throwable failure) {
    // an open transaction is aborted by the broker when the next producer takes the id over
    outbox.close();
    closePipeline();
    modelThread.close();
    meters.close();
    guards.close();
    if (failure == null) {
      health = new StreamHealth(Status.STOPPED, 0, "");
      stopped.complete(null);
    } else {
      health = new StreamHealth(Status.FAILED, 0, String.valueOf(failure.getMessage()));
      stopped.completeExceptionally(failure);
    }
    refuseSwitch();
  }

  private void closePipeline() {
    Pipeline current = pipeline;
    pipeline = null;
    if (consumerMetrics != null) {
      consumerMetrics.close();
      consumerMetrics = null;
    }
    if (current != null) {
      // leaves for good: the partitions move on now, not when the session has run out
      CloseOptions options =
          CloseOptions.timeout(CLOSE_TIMEOUT)
              .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);
      RuntimeException thrown = tried(() -> current.consumer().close(options));
      if (thrown != null) {
        log.debug("closing the consumer", thrown);
      }
      current.close();
    }
  }

  private Pipeline pipeline() {
    Pipeline current = pipeline;
    if (current == null) {
      throw new IllegalStateException("not open");
    }
    return current;
  }

  private String name() {
    return "stream " + config.transactionalId();
  }

  /** A topic that the cluster does not tell of; it may be created yet. */
  private static final class TopicUnreachableException extends RetriableException {
    TopicUnreachableException(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
