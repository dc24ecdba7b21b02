package dev.acclimate.streams;

import dev.acclimate.streams.journal.Control;
import dev.acclimate.streams.journal.JournalKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the state topic for what operators ask of the lanes held. It reads what the lanes
 * themselves write there, too, so how far it has come goes into their checkpoints: whoever goes on
 * from one reads on from there, and finds what was asked for since, once. Not thread-safe.
 */
final class ControlTail implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ControlTail.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(15);
  private static final long PERIOD_NANOS = Duration.ofMillis(250).toNanos();

  /** Polled seldom, it must take more at once to keep up with the journal. */
  private static final Map<String, String> LARGE_FETCHES =
      Map.of(
          ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "10000",
          ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, Integer.toString(8 << 20),
          ConsumerConfig.FETCH_MAX_BYTES_CONFIG, Integer.toString(16 << 20));

  private final Consumer<byte[], byte[]> consumer;
  private final String topic;
  private final String group;
  private final Map<String, Followed> lanes = new LinkedHashMap<>();
  private long lastPoll = System.nanoTime() - PERIOD_NANOS;

  /**
   * What an operator asks for.
   *
   * @param stream the stream that it concerns, or {@link JournalKey#ALL}
   * @param control what to do
   * @param offset where in the journal that lies
   */
  record Asked(String stream, Control control, long offset) {}

  private static final class Followed {
    private final TopicPartition journal;
    private final List<Asked> asked = new ArrayList<>();
    private long from;

    Followed(TopicPartition journal, long from) {
      this.journal = journal;
      this.from = from;
    }
  }

  /**
   * @param consumer reads committed records without a group; closed with this
   */
  private ControlTail(Consumer<byte[], byte[]> consumer, String topic, String group) {
    this.consumer = consumer;
    this.topic = topic;
    this.group = group;
  }

  static ControlTail open(KafkaClients clients, StreamConfig config, String topic) {
    Map<String, String> settings = new HashMap<>(config.kafka());
    LARGE_FETCHES.forEach((key, value) -> settings.putIfAbsent("consumer." + key, value));
    StreamConfig own = config.withInstance(config.instance() + "-control").withKafka(settings);
    return new ControlTail(clients.openReader(own), topic, config.group());
  }

  /**
   * Reads on for a lane from where its checkpoint says, or from the journal's end where there is
   * none.
   *
   * @param partition where the lane's journal lies
   * @return the offset from which on controls of the lane will be heard
   */
  long follow(Lane lane, int partition) {
    TopicPartition journal = new TopicPartition(topic, partition);
    lanes.remove(lane.id());
    long from = lane.control() < 0 ? end(journal) : lane.control();
    boolean known = consumer.assignment().contains(journal);
    Set<TopicPartition> assignment = new LinkedHashSet<>(Set.of(journal));
    lanes.values().forEach(followed -> assignment.add(followed.journal));
    consumer.assign(assignment);
    long position = known ? consumer.position(journal, TIMEOUT) : Long.MAX_VALUE;
    if (from < position) {
      // others have their part of what will be read again
      for (Followed other : lanes.values()) {
        if (other.journal.equals(journal)) {
          other.from = Math.max(other.from, position);
        }
      }
      consumer.seek(journal, from);
    }
    lanes.put(lane.id(), new Followed(journal, from));
    return from;
  }

  private long end(TopicPartition journal) {
    Long end = consumer.endOffsets(List.of(journal), TIMEOUT).get(journal);
    return end == null ? 0 : end;
  }

  void leave(Lane lane) {
    lanes.remove(lane.id());
  }

  /** Takes what has arrived, without waiting, a few times a second at most. */
  void poll(long nanos) {
    if (lanes.isEmpty() || nanos - lastPoll < PERIOD_NANOS) {
      return;
    }
    lastPoll = nanos;
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ZERO)) {
      JournalKey.of(record.key())
          .filter(key -> key.kind() == JournalKey.Kind.CONTROL && key.group().equals(group))
          .ifPresent(key -> take(key, record));
    }
  }

  private void take(JournalKey key, ConsumerRecord<byte[], byte[]> record) {
    Followed followed = lanes.get(key.lane());
    if (followed == null || record.value() == null) {
      return;
    }
    boolean heard =
        record.partition() != followed.journal.partition() || record.offset() < followed.from;
    if (heard) {
      return;
    }
    Optional<Control> control = Control.parse(record.value());
    if (control.isEmpty()) {
      log.warn(
          "{}: expected {\"action\":\"reset\"} at offset {} of {}, found something else: ignored",
          key.lane(),
          record.offset(),
          followed.journal);
      return;
    }
    followed.asked.add(new Asked(key.subject(), control.get(), record.offset()));
  }

  /** What is asked for of a lane and not obeyed yet, in its order. */
  List<Asked> asked(Lane lane) {
    Followed followed = lanes.get(lane.id());
    return followed == null ? List.of() : List.copyOf(followed.asked);
  }

  /** True when anything is asked for. */
  boolean isAsked() {
    return lanes.values().stream().anyMatch(followed -> !followed.asked.isEmpty());
  }

  /** What is asked for of a lane before that journal offset has been heard. */
  long readUpTo(Lane lane) {
    Followed followed = lanes.get(lane.id());
    return followed == null
        ? lane.control()
        : Math.max(followed.from, consumer.position(followed.journal, TIMEOUT));
  }

  /** What was asked for of a lane is done. */
  void obeyed(Lane lane) {
    Followed followed = lanes.get(lane.id());
    if (followed != null) {
      followed.asked.clear();
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
