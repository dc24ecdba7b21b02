package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.LaneLessons.Label;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the feedback topic for the lanes that learn from it, from where the last step that was
 * committed left off. Labels that are none are passed over: {@link FeedbackReader} makes dead
 * letters of them. Belongs to the reading thread.
 */
final class LabelLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LabelLog.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  private final KafkaClients clients;
  private final StreamConfig config;
  private final String topic;
  private final LabelDecoder decoder;
  private final Map<TopicPartition, LaneLessons> followed = new LinkedHashMap<>();
  private @Nullable Consumer<byte[], byte[]> opened;

  /** Nothing is opened before something is to be learnt. */
  LabelLog(KafkaClients clients, StreamConfig config) {
    this.clients = clients;
    this.config = config;
    this.topic = Objects.requireNonNull(config.topics().feedback(), "no feedback topic");
    this.decoder = new LabelDecoder(config.batching().max());
  }

  private Consumer<byte[], byte[]> consumer() {
    Consumer<byte[], byte[]> current = opened;
    if (current == null) {
      current = clients.openReader(config.withInstance(config.instance() + "-labels"));
      opened = current;
    }
    return current;
  }

  /**
   * The partitions that hold the labels of a lane's requests.
   *
   * @throws InvalidInputException when these cannot be told from those of other lanes
   */
  Set<TopicPartition> partitionsOf(Lane lane) {
    int labels = count(topic);
    Set<TopicPartition> partitions = new LinkedHashSet<>();
    if (config.states().scope() == Scope.MODEL) {
      for (int partition = 0; partition < labels; partition++) {
        partitions.add(new TopicPartition(topic, partition));
      }
      return partitions;
    }
    int requests = count(config.topics().in());
    if (labels != requests) {
      throw new InvalidInputException(
          "kafka.topics.feedback: to learn from it, expected as many partitions of '%s' as of '%s', %d, found %d (or set scope: model)"
              .formatted(topic, config.topics().in(), requests, labels));
    }
    lane.partitions().forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
    return partitions;
  }

  private int count(String of) {
    int count = consumer().partitionsFor(of, TIMEOUT).size();
    if (count == 0) {
      throw new UnknownTopicOrPartitionException("no word of topic " + of + ": is it created?");
    }
    return count;
  }

  /**
   * Reads on for a lane.
   *
   * @param committed how far its labels were learnt; none for a partition of which none was
   */
  void follow(
      LaneLessons lessons,
      Set<TopicPartition> partitions,
      Map<TopicPartition, OffsetAndMetadata> committed) {
    Map<TopicPartition, Long> starts = consumer().beginningOffsets(partitions, TIMEOUT);
    for (TopicPartition partition : partitions) {
      long start = starts.getOrDefault(partition, 0L);
      OffsetAndMetadata known = committed.get(partition);
      long offset = known == null ? start : Math.max(start, known.offset());
      lessons.goesOnAt(partition, offset, Math.max(start, offset - lessons.mostRemembered()));
      followed.put(partition, lessons);
    }
    assign();
    seek(lessons);
  }

  private void assign() {
    Consumer<byte[], byte[]> consumer = consumer();
    Map<TopicPartition, Long> positions = new HashMap<>();
    for (TopicPartition partition : consumer.assignment()) {
      if (followed.containsKey(partition)) {
        positions.put(partition, consumer.position(partition, TIMEOUT));
      }
    }
    consumer.assign(followed.keySet());
    positions.forEach(consumer::seek);
  }

  /** Goes back to what a lane has not learnt from. */
  void seek(LaneLessons lessons) {
    lessons
        .positions()
        .forEach(
            (partition, offset) -> {
              if (followed.get(partition) == lessons) {
                consumer().seek(partition, offset);
              }
            });
  }

  void leave(LaneLessons lessons) {
    if (followed.values().removeIf(lessons::equals)) {
      assign();
    }
  }

  /** Takes what has arrived, without waiting. */
  void poll() {
    if (followed.isEmpty()) {
      return;
    }
    Consumer<byte[], byte[]> consumer = consumer();
    List<TopicPartition> full = new ArrayList<>();
    List<TopicPartition> open = new ArrayList<>();
    followed.forEach((partition, lessons) -> (lessons.isFull() ? full : open).add(partition));
    consumer.pause(full);
    consumer.resume(open);
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ZERO)) {
      TopicPartition partition = new TopicPartition(record.topic(), record.partition());
      LaneLessons lessons = followed.get(partition);
      if (lessons != null) {
        read(record, partition, lessons);
      }
    }
  }

  private void read(
      ConsumerRecord<byte[], byte[]> record, TopicPartition partition, LaneLessons lessons) {
    try {
      LabelDecoder.Labelled label = decoder.decode(record.value());
      lessons.arrive(
          new Label(
              partition,
              record.offset(),
              record.timestamp(),
              System.nanoTime(),
              new WaitingRequests.Key(FeedbackReader.stream(record.key()), label.id()),
              label.labels()));
    } catch (InvalidRecordException e) {
      log.debug("passed over at {} of {}: {}", record.offset(), partition, e.getMessage());
    }
  }

  @Override
  public void close() {
    if (opened != null) {
      opened.close();
    }
  }
}
