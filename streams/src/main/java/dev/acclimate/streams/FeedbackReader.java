package dev.acclimate.streams;

import dev.acclimate.streams.feedback.FeedbackMeters;
import dev.acclimate.streams.feedback.LabelJoin;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads labels from the feedback topic into a {@link LabelJoin}, on a thread and by a consumer of
 * its own.
 *
 * <p>Where the feedback topic has as many partitions as the topic in, equal keys lie in equal
 * partitions of both: the reader then follows the partitions that the processor {@linkplain #owned
 * holds}. Otherwise it reads all of them, and the labels of other members' requests are late ones
 * here. It looks again every few minutes, for topics that were given more partitions.
 *
 * <p>Labels only make metrics, so positions are committed now and then, outside of transactions,
 * for the group {@code <group>-feedback}; without one the reader starts at the beginning of the
 * log, unless {@code auto.offset.reset} says otherwise. After a crash some labels are read again,
 * which finds no answers waiting for them.
 *
 * <p>What goes wrong here harms no request: errors are logged and tried again, with pauses, for as
 * long as it takes.
 */
final class FeedbackReader implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FeedbackReader.class);
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration COMMIT_INTERVAL = Duration.ofSeconds(5);
  private static final Duration TOPICS_INTERVAL = Duration.ofMinutes(5);
  private static final Duration MAX_PAUSE = Duration.ofSeconds(10);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration JOIN_TIMEOUT = Duration.ofSeconds(10);

  private final StreamConfig config;
  private final String topic;
  private final LabelJoin join;
  private final FeedbackMeters meters;
  private final FeedbackClients clients;
  private final LabelDecoder decoder;
  private final LabelDeadLetters deadLetters;
  private final Thread thread;
  private final CountDownLatch stopSignal = new CountDownLatch(1);
  private volatile Set<Integer> owned = Set.of();
  private volatile @Nullable Consumer<byte[], byte[]> consumer;

  // What follows belongs to the reader's thread.
  private final Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
  private Set<TopicPartition> assigned = Set.of();
  private boolean copartitioned;
  private int partitions = -1;
  private long lookedAt;
  private boolean uncommitted;
  private long committedAt = System.nanoTime();
  private int failures;

  private FeedbackReader(
      StreamConfig config, LabelJoin join, FeedbackMeters meters, FeedbackClients clients) {
    this.config = config;
    this.topic = Objects.requireNonNull(config.topics().feedback(), "no feedback topic");
    this.join = join;
    this.meters = meters;
    this.clients = clients;
    this.decoder = new LabelDecoder(config.batching().max());
    this.deadLetters = new LabelDeadLetters(config, clients);
    this.thread = new Thread(this::run, "acclimate-feedback-" + config.group());
    // metrics alone keep no process alive
    thread.setDaemon(true);
  }

  /** Starts reading the feedback topic, which {@code config} must name. */
  static FeedbackReader start(
      StreamConfig config, LabelJoin join, FeedbackMeters meters, FeedbackClients clients) {
    FeedbackReader reader = new FeedbackReader(config, join, meters, clients);
    reader.thread.start();
    return reader;
  }

  /** Tells which partitions of the topic in the processor holds now. Returns at once. */
  void owned(Collection<Integer> partitions) {
    owned = Set.copyOf(partitions);
  }

  /** Commits the position and stops, in a few seconds at most. */
  @Override
  public void close() {
    stopSignal.countDown();
    Consumer<byte[], byte[]> current = consumer;
    if (current != null) {
      current.wakeup();
    }
    try {
      thread.join(JOIN_TIMEOUT.toMillis());
      thread.interrupt(); // where a call to the cluster holds it up
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
    }
  }

  private boolean stopping() {
    return stopSignal.getCount() == 0;
  }

  private void run() {
    try {
      while (!stopping()) {
        attempt();
        join.expire();
      }
    } finally {
      closeConsumer();
      deadLetters.close();
    }
  }

  private void attempt() {
    try {
      turn();
      if (failures > 0) {
        log.info("{} goes on", name());
        failures = 0;
      }
    } catch (WakeupException e) {
      log.debug("{} was asked to stop", name());
    } catch (RuntimeException e) {
      failures++;
      // an outage that lasts is told of once
      if (failures == 1) {
        log.warn("{} cannot read, and tries again: {}", name(), e.toString());
      }
      log.debug("{} failed {} times", name(), failures, e);
      if (!(e instanceof RetriableException)) {
        closeConsumer();
      }
      await(Math.min(MAX_PAUSE.toMillis(), 100L << Math.min(failures, 10)));
    }
  }

  private void await(long millis) {
    try {
      var unused = stopSignal.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      stopSignal.countDown();
    }
  }

  private void turn() {
    Consumer<byte[], byte[]> current = opened();
    if (partitions < 0 || System.nanoTime() - lookedAt > TOPICS_INTERVAL.toNanos()) {
      lookAtTopics(current);
    }
    follow(current);
    if (assigned.isEmpty()) {
      await(POLL.toMillis());
      return;
    }
    ConsumerRecords<byte[], byte[]> records = current.poll(POLL);
    records.forEach(this::read);
    if (!records.isEmpty()) {
      positions.putAll(records.nextOffsets());
      uncommitted = true;
    }
    if (uncommitted && System.nanoTime() - committedAt > COMMIT_INTERVAL.toNanos()) {
      commitLater(current);
    }
  }

  private Consumer<byte[], byte[]> opened() {
    Consumer<byte[], byte[]> current = consumer;
    if (current == null) {
      current = clients.openConsumer(config);
      consumer = current;
      if (stopping()) {
        throw new WakeupException(); // close() came too early to wake this one up
      }
    }
    return current;
  }

  private void lookAtTopics(Consumer<byte[], byte[]> current) {
    int requests = partitions(current, config.topics().in());
    int labels = partitions(current, topic);
    lookedAt = System.nanoTime();
    if (labels != partitions || copartitioned != (labels == requests)) {
      partitions = labels;
      copartitioned = labels == requests;
      log.info(
          copartitioned
              ? "{} reads the partitions that the processor holds of {}"
              : "{} reads all partitions, which are not as many as those of {}",
          name(),
          config.topics().in());
    }
  }

  private static int partitions(Consumer<?, ?> consumer, String topic) {
    int count = consumer.partitionsFor(topic).size();
    if (count == 0) {
      throw new UnknownTopicOrPartitionException("no word of topic " + topic + ": is it created?");
    }
    return count;
  }

  /** Assigns what is to be read now, where that has changed. */
  private void follow(Consumer<byte[], byte[]> current) {
    Set<TopicPartition> wanted = new LinkedHashSet<>();
    Set<Integer> held = owned;
    for (int partition = 0; partition < partitions; partition++) {
      if (!copartitioned || held.contains(partition)) {
        wanted.add(new TopicPartition(topic, partition));
      }
    }
    if (wanted.equals(assigned)) {
      return;
    }
    if (uncommitted) {
      // whoever reads the partitions next starts where this one stopped
      commitLater(current);
    }
    current.assign(wanted);
    assigned = wanted;
    positions.keySet().retainAll(wanted);
    // kept through a consumer that had to be closed
    positions.forEach(current::seek);
    log.debug("{} reads {}", name(), wanted);
  }

  private void read(ConsumerRecord<byte[], byte[]> record) {
    try {
      LabelDecoder.Labelled feedback = decoder.decode(record.value());
      join.labelled(stream(record.key()), feedback.id(), feedback.labels());
    } catch (InvalidRecordException e) {
      meters.malformed();
      deadLetters.send(record, e);
    }
  }

  /** A record's key as the name of its stream. */
  static String stream(byte @Nullable [] key) {
    return key == null ? "" : new String(key, StandardCharsets.UTF_8);
  }

  private void commitLater(Consumer<byte[], byte[]> current) {
    current.commitAsync(
        Map.copyOf(positions),
        (offsets, failure) -> {
          if (failure != null) {
            log.debug("{} could not commit {}", name(), offsets, failure);
          }
        });
    uncommitted = false;
    committedAt = System.nanoTime();
  }

  private void closeConsumer() {
    Consumer<byte[], byte[]> current = consumer;
    consumer = null;
    assigned = Set.of();
    if (current == null) {
      return;
    }
    try {
      if (uncommitted) {
        commitNow(current);
      }
    } catch (RuntimeException e) {
      log.debug("{} leaves without a commit", name(), e);
    }
    try {
      current.close(CloseOptions.timeout(CLOSE_TIMEOUT));
    } catch (RuntimeException e) {
      log.debug("{} closes its consumer", name(), e);
    }
  }

  private void commitNow(Consumer<byte[], byte[]> current) {
    try {
      current.commitSync(Map.copyOf(positions), CLOSE_TIMEOUT);
    } catch (WakeupException e) {
      // close() meant the call before this one, which had just ended
      current.commitSync(Map.copyOf(positions), CLOSE_TIMEOUT);
    }
    uncommitted = false;
  }

  private String name() {
    return "feedback from " + topic + " for " + config.transactionalId();
  }
}
