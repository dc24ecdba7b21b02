package dev.acclimate.tests;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads what was committed to a topic, from its beginning, through a broker's restarts too. */
final class TopicReader implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration POLL = Duration.ofMillis(20);
  private static final Duration SETTLING = Duration.ofSeconds(1);

  private final String topic;
  private final KafkaConsumer<String, byte[]> consumer;
  private final List<ConsumerRecord<String, byte[]>> records = new ArrayList<>();

  TopicReader(String bootstrap, String topic) {
    this.topic = topic;
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", bootstrap,
                "isolation.level", "read_committed",
                "auto.offset.reset", "earliest"),
            new StringDeserializer(),
            new ByteArrayDeserializer());
    consumer.assign(
        consumer.partitionsFor(topic).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList());
  }

  /** What was read so far: of each partition in the order of its log. */
  List<ConsumerRecord<String, byte[]>> records() {
    return Collections.unmodifiableList(records);
  }

  /**
   * Reads until {@code count} records are there.
   *
   * @param check runs again and again meanwhile, to end the wait where it is in vain
   */
  void readUntil(int count, Runnable check) {
    readUntil(
        () -> {
          check.run();
          return records.size() >= count;
        });
  }

  /** Reads until that is so, which is asked again and again. */
  void readUntil(BooleanSupplier reached) {
    long progress = System.nanoTime();
    while (!reached.getAsBoolean()) {
      if (read()) {
        progress = System.nanoTime();
      } else if (System.nanoTime() - progress > PATIENCE.toNanos()) {
        throw new AssertionError(
            "%s: found %d records and no more for %d s"
                .formatted(topic, records.size(), PATIENCE.toSeconds()));
      }
    }
  }

  private boolean read() {
    int before = records.size();
    consumer.poll(POLL).forEach(records::add);
    return records.size() > before;
  }

  /** Reads on for a moment: what should not be there would show. */
  void settle() {
    long end = System.nanoTime() + SETTLING.toNanos();
    while (System.nanoTime() < end) {
      var unused = read();
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
