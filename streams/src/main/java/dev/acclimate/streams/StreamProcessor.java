package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.PartitionFold.Item;
import dev.acclimate.streams.PartitionFold.Mark;
import dev.acclimate.streams.StreamHealth.Status;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
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
 * Records are gathered into micro-batches, each of one partition and in the order of its log. A
 * batch runs when it holds {@code maxBatch} samples, when the next record would not fit, or when
 * its first record has waited {@code maxDelay}. Every partition has an adaptation state of its own,
 * which starts as the state the model had when the processor was created and is folded over the
 * partition's batches. The fold depends on the log and the batch boundaries and on nothing else, so
 * it can follow the partition through the consumer group. A member that gets a partition back picks
 * up the state it left, provided that nobody else moved on with the partition in between.
 *
 * <h2>Delivery</h2>
 *
 * A batch's responses, its dead letters and its offset commit in one Kafka transaction; the state
 * moves on when the commit is known to have gone through. Consumers of the topic out that read
 * {@code read_committed} see every request answered once: by a response with the request's key, or
 * by a dead letter. Responses of one partition are sent in the order of their requests; Kafka keeps
 * that order among equal keys.
 *
 * <p>A response carries the headers {@code acclimate-method}, {@code acclimate-step} (how many
 * steps the state had behind it), the request's {@code traceparent}, and in binary form {@code
 * inference-header-content-length}.
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
 * <h2>Threads and lifecycle</h2>
 *
 * {@link #start()} runs the loop on a thread of its own, the only one to touch the model until the
 * processor has stopped. {@link #stop()} may be called from any thread: it finishes the batches in
 * hand, commits them and leaves the group. The model stays the caller's to close, the registry too;
 * the processor takes its meters out when it stops. Memory: one batch of direct buffers a partition
 * held.
 *
 * <p>After a crash, a processor that starts under the same {@code instance} takes its place in the
 * group at once; under another, or elsewhere in the group, the partitions wait for {@code
 * session.timeout.ms} (45 seconds).
 *
 * <p>Between two batches the consumer polls, so {@code max.poll.interval.ms} (five minutes) need
 * only exceed the time of one batch run record by record.
 */
public final class StreamProcessor implements AutoCloseable {
  static final int MAX_BARREN_BATCHES = 16;
  static final int FENCED_WINDOW_MINUTES = 10;
  private static final int MAX_FENCED = 3;
  private static final int MAX_UNKNOWN = 10;
  private static final Duration MAX_POLL = Duration.ofMillis(200);
  private static final Duration CONSUMER_TIMEOUT = Duration.ofSeconds(15);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration MAX_BACKOFF = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(StreamProcessor.class);

  private final StreamConfig config;
  private final BatchModel model;
  private final KafkaClients clients;
  private final StreamMeters meters;
  private final RequestDecoder decoder;
  private final ResponseEncoder encoder;
  private final TransactionalOutbox outbox;
  private final BatchModel.Snapshot initialState;
  private final InputBatch single;
  private final Thread thread;
  private final AtomicBoolean started = new AtomicBoolean();
  private final CountDownLatch stopSignal = new CountDownLatch(1);
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private volatile StreamHealth health = new StreamHealth(Status.STARTING, 0, "not started");

  // What follows belongs to the processor's thread.
  private final Map<TopicPartition, PartitionFold> folds = new LinkedHashMap<>();
  private final Map<TopicPartition, Mark> departed = new HashMap<>();
  private final Set<TopicPartition> arrivals = new LinkedHashSet<>();
  private final List<Long> fencedAt = new ArrayList<>();
  private @Nullable Consumer<byte[], byte[]> consumer;
  private @Nullable KafkaClientMetrics consumerMetrics;
  private @Nullable PartitionFold loaded;
  private int barrenBatches;
  private int failures;
  private long lastFailure;

  private StreamProcessor(
      StreamConfig config, BatchModel model, MeterRegistry registry, KafkaClients clients) {
    this.config = config;
    this.model = model;
    this.clients = clients;
    this.single = new InputBatch(model.inputs(), config.maxBatch());
    this.decoder = new RequestDecoder(model.inputs(), model.outputs(), config.maxRecordBytes());
    this.encoder = new ResponseEncoder(model.outputs(), config.modelName(), config.modelVersion());
    this.meters = new StreamMeters(registry, config.group(), model.method(), this::health);
    this.outbox = new TransactionalOutbox(clients, config, meters);
    this.initialState = model.snapshot();
    this.thread = new Thread(this::run, "acclimate-stream-" + config.group());
  }

  /**
   * A processor that has not started yet.
   *
   * @param model what answers; its current state is where every partition starts from
   * @param registry where the processor's meters and its Kafka clients' go
   * @throws InvalidInputException when the model's inputs do not lend themselves to batches
   */
  public static StreamProcessor create(
      StreamConfig config, BatchModel model, MeterRegistry registry) {
    return create(config, model, registry, KafkaClients.real());
  }

  static StreamProcessor create(
      StreamConfig config, BatchModel model, MeterRegistry registry, KafkaClients clients) {
    return new StreamProcessor(config, model, registry, clients);
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

  /** Completes when the processor has stopped, with the error where one stopped it. */
  public CompletableFuture<Void> stopped() {
    return stopped.copy();
  }

  public StreamHealth health() {
    return health;
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
      health = new StreamHealth(Status.RECOVERING, folds.size(), String.valueOf(thrown));
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
    if (consumer == null) {
      Consumer<byte[], byte[]> opened = clients.openConsumer(config);
      consumer = opened;
      consumerMetrics = meters.bind(opened);
      opened.subscribe(List.of(config.topics().in()), new Rebalances());
    }
    health = running();
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
    loaded = null;
    folds.values().forEach(PartitionFold::discard);
    Consumer<byte[], byte[]> current = consumer();
    if (!folds.isEmpty()) {
      Map<TopicPartition, OffsetAndMetadata> committed =
          current.committed(Set.copyOf(folds.keySet()), CONSUMER_TIMEOUT);
      for (PartitionFold fold : List.copyOf(folds.values())) {
        settle(fold, committed.get(fold.partition()));
      }
    }
    health = running();
  }

  private void settle(PartitionFold fold, @Nullable OffsetAndMetadata committed) {
    if (committed != null) {
      // an arrival is given its state by the next turn
      if (!fold.settle(committed.offset()) && !arrivals.contains(fold.partition())) {
        fold.reset(new Mark(committed.offset(), initialState));
      }
      consumer().seek(fold.partition(), committed.offset());
    } else {
      fold.reset(new Mark(-1, initialState));
      if (fold.firstSeen() >= 0) {
        consumer().seek(fold.partition(), fold.firstSeen());
      }
    }
  }

  /** Polls once, then runs the batch that is due the longest, if any is. */
  private void turn() {
    poll();
    if (!arrivals.isEmpty()) {
      welcome();
    }
    long now = System.nanoTime();
    PartitionFold due = null;
    for (PartitionFold fold : folds.values()) {
      fold.fill(now);
      if (fold.isDue(now, config.maxDelay())
          && (due == null || fold.firstNanos() - due.firstNanos() < 0)) {
        due = fold;
      }
    }
    if (due != null) {
      runBatch(due);
      failures = 0;
    }
    if (health.status() != Status.RUNNING || health.partitions() != folds.size()) {
      health = running();
    }
  }

  private StreamHealth running() {
    String detail = folds.isEmpty() ? "no partition of " + config.topics().in() : "";
    return new StreamHealth(Status.RUNNING, folds.size(), detail);
  }

  private void poll() {
    Consumer<byte[], byte[]> current = consumer();
    List<TopicPartition> ahead = new ArrayList<>();
    List<TopicPartition> behind = new ArrayList<>();
    long wait = MAX_POLL.toNanos();
    long now = System.nanoTime();
    for (PartitionFold fold : folds.values()) {
      (fold.hasWaiting() ? ahead : behind).add(fold.partition());
      if (fold.hasWaiting() || fold.isDue(now, config.maxDelay())) {
        wait = 0;
      } else if (fold.hasBatch()) {
        long left = fold.firstNanos() + config.maxDelay().toNanos() - now;
        wait = Math.max(0, Math.min(wait, left));
      }
    }
    current.pause(ahead);
    current.resume(behind);
    // rounded up: polling for the last fraction of a millisecond would spin
    Duration timeout = Duration.ofMillis((wait + 999_999) / 1_000_000);
    for (ConsumerRecord<byte[], byte[]> record : current.poll(timeout)) {
      PartitionFold fold = folds.get(new TopicPartition(record.topic(), record.partition()));
      if (fold != null) {
        fold.enqueue(record);
      }
    }
  }

  /** Gives partitions that came with a rebalance their states. */
  private void welcome() {
    Map<TopicPartition, OffsetAndMetadata> committed =
        consumer().committed(Set.copyOf(arrivals), CONSUMER_TIMEOUT);
    for (TopicPartition partition : arrivals) {
      PartitionFold fold = folds.get(partition);
      if (fold != null) {
        OffsetAndMetadata at = committed.get(partition);
        long offset = at == null ? -1 : at.offset();
        Mark left = departed.remove(partition);
        boolean warm = left != null && left.offset() == offset;
        fold.start(warm && left != null ? left : new Mark(offset, initialState));
        log.info(
            "{} takes {} from {} with {} state",
            name(),
            partition,
            offset < 0 ? "where its log starts" : "offset " + offset,
            warm ? "its earlier" : "the initial");
      }
    }
    arrivals.clear();
  }

  private void runBatch(PartitionFold fold) {
    if (loaded != fold) {
      model.restore(fold.committed().state());
      loaded = fold;
    }
    OutgoingRecords outgoing = new OutgoingRecords(config, model.method());
    BatchTally tally = new BatchTally();
    answer(fold, outgoing, tally);
    guardAgainstBrokenModel(tally);
    fold.attempt(tally.ran() ? model.snapshot() : fold.committed().state());
    outbox.commit(
        outgoing.records(),
        Map.of(fold.partition(), new OffsetAndMetadata(fold.nextOffset())),
        consumer().groupMetadata());
    Duration latency = Duration.ofNanos(System.nanoTime() - fold.firstNanos());
    meters.committed(tally, fold.batch().samples(), latency);
    log.debug(
        "{} committed {} samples of {} up to {}",
        name(),
        fold.batch().samples(),
        fold.partition(),
        fold.nextOffset());
    fold.commit();
  }

  private void answer(PartitionFold fold, OutgoingRecords outgoing, BatchTally tally) {
    Optional<BatchModel.Result> result = Optional.empty();
    if (fold.batch().samples() > 0) {
      try {
        result = Optional.of(timed(fold.batch()));
      } catch (RuntimeException e) {
        log.warn(
            "{}: the model failed on a batch of {}, trying its records one by one: {}",
            name(),
            fold.partition(),
            e.toString());
        log.debug("the model's failure", e);
        model.restore(fold.committed().state());
      }
    }
    result.ifPresent(r -> tally.ran(r.adapted()));
    for (Item item : fold.items()) {
      if (item instanceof Item.Accepted accepted) {
        try {
          if (result.isPresent()) {
            respond(accepted, result.get(), accepted.first(), outgoing);
          } else {
            answerAlone(accepted, fold.batch(), outgoing, tally);
          }
          tally.answer();
        } catch (InvalidRecordException e) {
          refuse(item, e, outgoing, tally);
        }
      } else if (item instanceof Item.Refused refused) {
        refuse(item, refused.why(), outgoing, tally);
      }
    }
  }

  private void respond(
      Item.Accepted item, BatchModel.Result result, int first, OutgoingRecords outgoing)
      throws InvalidRecordException {
    InferenceResponse response = encoder.encode(item.request(), result.outputs(), first);
    outgoing.answer(item.record(), response, result.step());
  }

  private void refuse(
      Item item, InvalidRecordException why, OutgoingRecords outgoing, BatchTally tally) {
    outgoing.refuse(item.record(), why);
    tally.refuse(why.reason());
    log.debug("{}: dead letter at {}: {}", name(), item.record().offset(), why.getMessage());
  }

  private void answerAlone(
      Item.Accepted item, InputBatch batch, OutgoingRecords outgoing, BatchTally tally)
      throws InvalidRecordException {
    BatchModel.Snapshot before = model.snapshot();
    single.clear();
    single.addFrom(batch, item.first(), item.request().samples());
    BatchModel.Result result;
    try {
      result = timed(single);
    } catch (RuntimeException e) {
      model.restore(before);
      throw new InvalidRecordException(DeadLetterReason.MODEL_FAILURE, e.toString());
    }
    tally.ran(result.adapted());
    respond(item, result, 0, outgoing);
  }

  private BatchModel.Result timed(InputBatch batch) {
    Map<String, Tensor> inputs = batch.tensors();
    long start = System.nanoTime();
    BatchModel.Result result = model.run(inputs);
    meters.modelTime().record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
    return result;
  }

  private void guardAgainstBrokenModel(BatchTally tally) {
    barrenBatches = tally.onlyModelFailures() ? barrenBatches + 1 : 0;
    if (barrenBatches >= MAX_BARREN_BATCHES) {
      throw new IllegalStateException(
          "the model failed on every record of "
              + barrenBatches
              + " batches in a row: stopped before more records become dead letters");
    }
  }

  /** Runs the batches in hand; what is not committed then is read again after the next start. */
  private void finish() {
    health = new StreamHealth(Status.STOPPING, folds.size(), "finishing the batch in hand");
    int batches = 0;
    for (PartitionFold fold : folds.values()) {
      if (fold.hasBatch()) {
        RuntimeException thrown = tried(() -> runBatch(fold));
        if (thrown != null) {
          log.warn("{} leaves a batch to the next start: {}", name(), thrown.toString());
          break;
        }
        batches++;
      }
    }
    log.info("{} stopped, {} batches in hand committed", name(), batches);
  }

  private void close(@Nullable Throwable failure) {
    // an open transaction is aborted by the broker when the next producer takes the id over
    outbox.close();
    Consumer<byte[], byte[]> current = consumer;
    if (consumerMetrics != null) {
      consumerMetrics.close();
    }
    if (current != null) {
      // leaves for good: the partitions move on now, not when the session has run out
      CloseOptions options =
          CloseOptions.timeout(CLOSE_TIMEOUT)
              .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);
      RuntimeException thrown = tried(() -> current.close(options));
      if (thrown != null) {
        log.debug("closing the consumer", thrown);
      }
    }
    folds.values().forEach(PartitionFold::close);
    folds.clear();
    single.close();
    meters.close();
    if (failure == null) {
      health = new StreamHealth(Status.STOPPED, 0, "");
      stopped.complete(null);
    } else {
      health = new StreamHealth(Status.FAILED, 0, String.valueOf(failure.getMessage()));
      stopped.completeExceptionally(failure);
    }
  }

  private Consumer<byte[], byte[]> consumer() {
    Consumer<byte[], byte[]> current = consumer;
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

  /**
   * Keeps the folds in step with the group. Called inside poll and close, where no transaction is
   * open: a batch in hand has not been sent, so dropping it leaves it to the partition's next
   * owner.
   */
  private final class Rebalances implements ConsumerRebalanceListener {

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      for (TopicPartition partition : partitions) {
        InputBatch batch = new InputBatch(model.inputs(), config.maxBatch());
        Mark start = new Mark(-1, initialState);
        PartitionFold fold = new PartitionFold(partition, decoder, batch, start);
        PartitionFold stale = folds.put(partition, fold);
        if (stale != null) {
          stale.close();
        }
        arrivals.add(partition);
      }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      for (TopicPartition partition : partitions) {
        arrivals.remove(partition);
        PartitionFold fold = folds.remove(partition);
        if (fold != null) {
          if (fold.committed().offset() >= 0) {
            departed.put(partition, fold.committed());
          }
          if (loaded == fold) {
            loaded = null;
          }
          fold.close();
        }
      }
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      onPartitionsRevoked(partitions);
    }
  }
}
