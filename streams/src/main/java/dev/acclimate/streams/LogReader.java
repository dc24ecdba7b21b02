package dev.acclimate.streams;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;

/** Reads records of the topic in again, by offset, in about the order of the log. */
final class LogReader {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  private final Consumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, Long> positions = new HashMap<>();
  private final Map<TopicPartition, Map<Long, ConsumerRecord<byte[], byte[]>>> ahead =
      new HashMap<>();

  /**
   * @param consumer reads committed records; assigned here
   * @param from where to start in each partition
   */
  LogReader(Consumer<byte[], byte[]> consumer, Map<TopicPartition, Long> from) {
    this.consumer = consumer;
    consumer.assign(from.keySet());
    from.forEach(
        (partition, offset) -> {
          consumer.seek(partition, offset);
          positions.put(partition, offset);
          ahead.put(partition, new HashMap<>());
        });
  }

  /**
   * A record, empty where the log does not hold it any more.
   *
   * @throws TimeoutException when it does not come
   */
  Optional<ConsumerRecord<byte[], byte[]>> at(TopicPartition partition, long offset) {
    Map<Long, ConsumerRecord<byte[], byte[]>> records =
        ahead.computeIfAbsent(partition, p -> new HashMap<>());
    long deadline = System.nanoTime() + TIMEOUT.toNanos();
    while (!records.containsKey(offset) && positions.getOrDefault(partition, 0L) <= offset) {
      if (System.nanoTime() > deadline) {
        throw new TimeoutException("no record " + offset + " of " + partition);
      }
      // what other partitions hold is not needed yet
      consumer.pause(consumer.assignment());
      consumer.resume(List.of(partition));
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        TopicPartition of = new TopicPartition(record.topic(), record.partition());
        ahead.computeIfAbsent(of, p -> new HashMap<>()).put(record.offset(), record);
      }
      for (TopicPartition assigned : consumer.assignment()) {
        positions.put(assigned, consumer.position(assigned, TIMEOUT));
      }
    }
    return Optional.ofNullable(records.remove(offset));
  }
}
