package dev.acclimate.agent;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.broker.SharedBroker;
import dev.acclimate.streams.TopicReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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

/** An agent's own topics on the shared broker, who sends to them, and what comes of it. */
final class AgentTopics implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final ObjectMapper JSON = new ObjectMapper();

  private final EmbeddedBroker broker = SharedBroker.get();
  private final String name = "agent-" + COUNT.incrementAndGet();
  private final HttpClient http = HttpClient.newHttpClient();
  private final KafkaProducer<String, byte[]> producer;
  private final TopicReader out;

  AgentTopics() {
    broker.createTopics(
        1, name + ".in", name + ".out", name + ".dead", name + ".state", name + ".labels");
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap()),
            new StringSerializer(),
            new ByteArraySerializer());
    out = new TopicReader(broker.bootstrap(), name + ".out");
  }

  /** The section of a configuration that names them, without the one for labels. */
  String section() {
    return section("");
  }

  String sectionWithLabels() {
    return section(", feedback: " + name + ".labels");
  }

  private String section(String more) {
    return """
    kafka:
      bootstrap: %1$s
      group: %2$s
      instance: one
      topics: {in: %2$s.in, out: %2$s.out, dead-letter: %2$s.dead, state: %2$s.state%3$s}
    """
        .formatted(broker.bootstrap(), name, more);
  }

  void request(String key, byte[] value) {
    var unused = producer.send(new ProducerRecord<>(name + ".in", key, value));
  }

  void label(String key, String value) {
    var unused = producer.send(new ProducerRecord<>(name + ".labels", key, value.getBytes(UTF_8)));
  }

  void flush() {
    producer.flush();
  }

  TopicReader out() {
    return out;
  }

  static JsonNode json(ConsumerRecord<String, byte[]> answer) {
    try {
      return JSON.readTree(answer.value());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Float> scores(ConsumerRecord<String, byte[]> answer) {
    List<Float> scores = new ArrayList<>();
    json(answer).get("outputs").get(0).get("data").forEach(n -> scores.add(n.floatValue()));
    return scores;
  }

  /** A header's text; {@code none} where there is none. */
  static String header(ConsumerRecord<String, byte[]> answer, String key) {
    Header header = answer.headers().lastHeader(key);
    return header == null ? "none" : new String(header.value(), UTF_8);
  }

  String metrics(Agent agent) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + agent.port().orElseThrow() + "/metrics");
    return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  @Override
  public void close() {
    producer.close();
    out.close();
  }
}
