package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.broker.SharedBroker;
import dev.acclimate.streams.TopicReader;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent as a process of its own, fed by replay, stopped and killed by signals. */
class AgentProcessTest {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final ObjectMapper JSON = new ObjectMapper();

  private final EmbeddedBroker broker = SharedBroker.get();
  private final String name = "process-" + COUNT.incrementAndGet();
  private final List<Process> processes = new ArrayList<>();
  @TempDir private Path folder;
  private Path config;
  private Path log;
  private int port;

  @BeforeEach
  void prepare() throws IOException {
    broker.createTopics(1, name + ".in", name + ".out", name + ".dead", name + ".labels");
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    log = folder.resolve("stderr.log");
    config = folder.resolve("agent.yaml");
    Path model = TinyClassifier.write(folder.resolve("tiny.onnx"));
    Files.writeString(
        config,
        """
        model: '%1$s'
        method: unmix-tns[components=4]
        provider: cpu
        threads: 1
        kafka:
          bootstrap: %2$s
          group: %3$s
          instance: one
          topics: {in: %3$s.in, out: %3$s.out, dead-letter: %3$s.dead, feedback: %3$s.labels}
        batch: {max: 64, delay: 60s}
        http: {port: %4$d}
        """
            .formatted(model, broker.bootstrap(), name, port));
  }

  @AfterEach
  void end() {
    processes.forEach(Process::destroyForcibly);
  }

  private Process run() throws IOException {
    return run(Map.of());
  }

  private Process run(Map<String, String> environment) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "dev.acclimate.agent.Acclimate",
            "run",
            "--config",
            config.toString());
    // not on the command line: ONNX Runtime 1.29 crashes on one of more than 4 KB
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    builder.environment().putAll(environment);
    Process process =
        builder
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    processes.add(process);
    return process;
  }

  private void replay(String... more) {
    List<String> arguments = new ArrayList<>(List.of("replay", "--config", config.toString()));
    arguments.addAll(List.of(more));
    assertThat(Acclimate.commandLine().execute(arguments.toArray(String[]::new))).isZero();
  }

  private boolean ready() {
    URI uri = URI.create("http://127.0.0.1:" + port + "/v2/health/ready");
    try {
      return HttpClient.newHttpClient()
              .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
              .statusCode()
          == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String id(ConsumerRecord<String, byte[]> record, boolean binary) {
    try {
      int length = record.value().length;
      if (binary) {
        byte[] header = record.headers().lastHeader("inference-header-content-length").value();
        length = Integer.parseInt(new String(header, StandardCharsets.UTF_8));
      }
      JsonNode node = JSON.readTree(record.value(), 0, length);
      return node.get("id").asText();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> ids(int count) {
    return IntStream.range(0, count).mapToObj(i -> "stream-1-" + i).toList();
  }

  @Test
  void sigtermFinishesTheBatchInHand() throws Exception {
    replay("--data", "builtin:100", "--corruptions", "none,fog", "--form", "json");
    Process process = run();
    try (TopicReader out = new TopicReader(broker.bootstrap(), name + ".out");
        TopicReader labels = new TopicReader(broker.bootstrap(), name + ".labels")) {
      await().atMost(Duration.ofSeconds(60)).until(this::ready);
      assertThat(out.settle(192)).hasSize(192);

      process.destroy();

      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(143);
      assertThat(Files.readString(log)).contains("finishing the batch in hand", "stopped");
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
        assertThat(admin.describeConsumerGroups(List.of(name)).all().get().get(name).members())
            .as("members that a session would have to time out for")
            .isEmpty();
      }
      List<ConsumerRecord<String, byte[]>> answers = out.settle(200);
      assertThat(answers)
          .extracting(record -> id(record, false))
          .containsExactlyElementsOf(ids(200));
      assertThat(answers.get(199).headers().lastHeader("acclimate-step").value())
          .asString(StandardCharsets.UTF_8)
          .isEqualTo("4");
      assertThat(labels.await(200)).hasSize(200);
      JsonNode label = JSON.readTree(labels.await(200).get(0).value());
      assertThat(label.get("id").asText()).isEqualTo("stream-1-0");
      assertThat(label.get("label").asInt()).isBetween(0, 9);
    }
  }

  @Test
  void killedAndStartedAgainAnswersEveryRequestOnce() throws Exception {
    replay("--data", "builtin:1000", "--corruptions", "none,fog,contrast,gaussian_noise");
    Process first = run();
    try (TopicReader out = new TopicReader(broker.bootstrap(), name + ".out")) {
      assertThat(out.await(1)).isNotEmpty();
      first.destroyForcibly();
      assertThat(first.waitFor(30, TimeUnit.SECONDS)).isTrue();
      int killedAt = out.settle(1).size();
      Process second = run();
      // of 4000 samples 32 are in hand when all full batches are through
      assertThat(out.await(62 * 64)).hasSize(62 * 64);
      second.destroy();
      assertThat(second.waitFor(30, TimeUnit.SECONDS)).isTrue();

      assertThat(out.settle(4000))
          .extracting(record -> id(record, true))
          .containsExactlyElementsOf(ids(4000));
      assertThat(killedAt).isLessThan(62 * 64);
    }
  }

  @Test
  void logsJsonWithTracesAndWithoutSecrets() throws Exception {
    String traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    sendUnreadable("00-" + traceId + "-00f067aa0ba902b7-01");
    Process process =
        run(
            Map.of(
                "ACCLIMATE_LOG",
                "json",
                "ACCLIMATE_LOG_LEVEL",
                "debug",
                "ACCLIMATE_BATCH_DELAY",
                "1ms",
                "ACCLIMATE_KAFKA_PROPERTIES_SSL_KEY_PASSWORD",
                "not-to-be-told"));
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(Files.readString(log)).contains("dead letter at "));
    process.destroy();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(log)) {
      lines.add(JSON.readTree(line));
    }
    assertThat(lines)
        .allSatisfy(line -> assertThat(line.at("/level").asText()).isNotEmpty())
        .filteredOn(line -> line.at("/formattedMessage").asText().startsWith("dead letter at "))
        .singleElement()
        .satisfies(line -> assertThat(line.at("/mdc/trace_id").asText()).isEqualTo(traceId));
    assertThat(Files.readString(log)).doesNotContain("not-to-be-told");
  }

  private void sendUnreadable(String traceparent) throws Exception {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(name + ".in", "no request".getBytes(StandardCharsets.UTF_8));
    record.headers().add("traceparent", traceparent.getBytes(StandardCharsets.UTF_8));
    try (Producer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer.send(record).get();
    }
  }

  @Test
  void refusesALogFormThatThereIsNot() throws Exception {
    Process process = run(Map.of("ACCLIMATE_LOG", "jsn"));

    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(2);
    assertThat(log)
        .hasContent("acclimate: environment: ACCLIMATE_LOG: expected text, json, found 'jsn'");
  }
}
