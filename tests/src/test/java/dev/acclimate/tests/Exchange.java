package dev.acclimate.tests;

import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.RequestEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** An agent's topics, of one partition each: requests go in, committed responses come out. */
final class Exchange implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final EmbeddedBroker broker;
  private final String name;
  private final RequestEncoder encoder;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> consumer;

  /**
   * Makes the topics.
   *
   * @param name of the group, and what the topics' names start with
   * @param input what requests are for
   */
  Exchange(EmbeddedBroker broker, String name, TensorInfo input) {
    this.broker = broker;
    this.name = name;
    this.encoder = new RequestEncoder(input, RequestEncoder.Form.BINARY);
    broker.createTopics(1, name + ".in", name + ".out", name + ".dead");
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap(), "linger.ms", 5),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", broker.bootstrap(), "isolation.level", "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    TopicPartition out = new TopicPartition(name + ".out", 0);
    consumer.assign(List.of(out));
    consumer.seekToBeginning(List.of(out));
  }

  /**
   * The agent's configuration.
   *
   * @param journal whether states are kept in a state topic
   * @param more further lines
   */
  String config(Path model, boolean journal, String more) {
    return """
        model: '%1$s'
        method: unmix-tns
        provider: cpu
        threads: 1
        kafka:
          bootstrap: %2$s
          group: %3$s
          instance: one
          topics: {in: %3$s.in, out: %3$s.out, dead-letter: %3$s.dead%4$s}
        %5$s
        """
        .formatted(
            model, broker.bootstrap(), name, journal ? ", state: " + name + ".state" : "", more);
  }

  void send(String key, String id, float[] values) {
    var unused =
        producer.send(
            encoder
                .encode(id, values)
                .toRecord(name + ".in", 0, null, key.getBytes(StandardCharsets.UTF_8)));
  }

  void flush() {
    producer.flush();
  }

  /** Hands the next {@code count} responses to {@code visitor}. */
  void receive(int count, Consumer<ConsumerRecord<byte[], byte[]>> visitor) {
    int received = 0;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (received < count) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
        visitor.accept(record);
        received++;
        deadline = System.nanoTime() + PATIENCE.toNanos();
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError(received + " of " + count + " responses of " + name);
      }
    }
  }

  @Override
  public void close() {
    producer.close();
    consumer.close();
  }
}
