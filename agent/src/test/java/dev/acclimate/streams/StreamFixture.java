package dev.acclimate.streams;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.broker.SharedBroker;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Topics of its own on the shared broker, and a producer into them. */
public final class StreamFixture implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final ObjectMapper JSON = new ObjectMapper();

  public final StreamConfig config;
  final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final KafkaProducer<String, byte[]> producer;
  private final List<StreamProcessor> processors = new ArrayList<>();
  private final List<TopicReader> readers = new ArrayList<>();

  public StreamFixture(int partitions) {
    EmbeddedBroker broker = SharedBroker.get();
    String name = "s" + COUNT.incrementAndGet();
    StreamConfig.Topics topics =
        new StreamConfig.Topics(name + ".in", name + ".out", name + ".dead", null, name + ".state");
    broker.createTopics(
        partitions, topics.in(), topics.out(), topics.deadLetter(), name + ".state");
    config =
        StreamConfig.of(broker.bootstrap(), name + "-group", topics)
            .withBatch(4, Duration.ofMillis(50))
            .withModel("folding", "7");
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap()),
            new StringSerializer(),
            new ByteArraySerializer());
  }

  StreamProcessor start(StreamConfig config, BatchModel model) {
    return start(config, model, KafkaClients.real());
  }

  StreamProcessor start(StreamConfig config, BatchModel model, KafkaClients clients) {
    StreamProcessor processor = StreamProcessor.create(config, model, registry, clients);
    processors.add(processor);
    processor.start();
    return processor;
  }

  static byte[] request(String id, float first) {
    return ("{\"id\":\""
            + id
            + "\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":["
            + first
            + ",0]}]}")
        .getBytes(UTF_8);
  }

  /** Sends good requests to a partition, each with its number as first value. */
  public void sendNumbered(int partition, int from, int to) {
    for (int i = from; i < to; i++) {
      send(partition, "key-" + partition, request(partition + ":" + i, i), Map.of());
    }
    producer.flush();
  }

  void send(int partition, String key, byte[] value, Map<String, String> headers) {
    ProducerRecord<String, byte[]> record =
        new ProducerRecord<>(config.topics().in(), partition, key, value);
    headers.forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
    var unused = producer.send(record);
  }

  void flush() {
    producer.flush();
  }

  public TopicReader out() {
    return reader(config.topics().out());
  }

  TopicReader in() {
    return reader(config.topics().in());
  }

  TopicReader dead() {
    return reader(config.topics().deadLetter());
  }

  private TopicReader reader(String topic) {
    TopicReader reader = new TopicReader(config.bootstrap(), topic);
    readers.add(reader);
    return reader;
  }

  static JsonNode json(ConsumerRecord<String, byte[]> record) {
    try {
      return JSON.readTree(record.value());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String id(ConsumerRecord<String, byte[]> record) {
    return json(record).get("id").asText();
  }

  /** First value, state before the batch and batch size, as the folding model answers. */
  static List<Float> answer(ConsumerRecord<String, byte[]> record) {
    List<Float> values = new ArrayList<>();
    json(record).get("outputs").get(0).get("data").forEach(n -> values.add(n.floatValue()));
    return values;
  }

  static String header(ConsumerRecord<String, byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? "none" : new String(header.value(), UTF_8);
  }

  @Override
  public void close() {
    processors.forEach(StreamProcessor::close);
    readers.forEach(TopicReader::close);
    producer.close();
  }
}
