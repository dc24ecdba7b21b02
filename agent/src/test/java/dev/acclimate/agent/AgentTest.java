package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.FoldingModel;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamFixture;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentTest {
  private static final AgentConfig.Model MODEL =
      new AgentConfig.Model(
          Path.of("m.onnx"), "m", "1", "source", ExecutionProvider.CPU, 1, 0, null, null);

  private final HttpClient http = HttpClient.newHttpClient();
  private final StreamFixture fixture = new StreamFixture(1);
  private final AtomicBoolean modelClosed = new AtomicBoolean();

  @AfterEach
  void close() {
    fixture.close();
  }

  private Agent start(@Nullable StreamConfig stream, FoldingModel model) {
    AgentConfig config =
        new AgentConfig(MODEL, new AgentConfig.Http("127.0.0.1", 0), null, stream, null);
    return Agent.start(config, (unused, batchSize) -> opened(model, () -> modelClosed.set(true)));
  }

  private HttpResponse<String> get(Agent agent, String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + agent.port().orElseThrow() + path);
    return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode json(HttpResponse<String> response) throws Exception {
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    return new ObjectMapper().readTree(response.body());
  }

  @Test
  void tellsOfHealthAndMetrics() throws Exception {
    fixture.sendNumbered(0, 0, 8);
    try (Agent agent = start(fixture.config, new FoldingModel())) {
      assertThat(get(agent, "/v2/health/live").statusCode()).isEqualTo(200);
      await().until(() -> get(agent, "/v2/health/ready").statusCode() == 200);
      JsonNode ready = json(get(agent, "/v2/health/ready"));
      assertThat(ready.get("ready").asBoolean()).isTrue();
      assertThat(ready.get("partitions").asInt()).isEqualTo(1);

      assertThat(fixture.out().await(8)).hasSize(8);

      await()
          .untilAsserted(
              () ->
                  assertThat(get(agent, "/metrics").body())
                      .contains(
                          "acclimate_records_in_total{group=\""
                              + fixture.config.group()
                              + "\",method=\"folding[half=0.5]\"} 8.0")
                      .contains("acclimate_records_out_total")
                      .contains("acclimate_records_dead_total")
                      .contains("acclimate_batch_size_samples_sum")
                      .contains("acclimate_batch_latency_seconds_count")
                      .contains("acclimate_model_time_seconds_count")
                      .contains("acclimate_steps_total")
                      .contains("acclimate_steps_rejected_total")
                      .contains("kafka_consumer_fetch_manager_records_lag{")
                      .contains("kafka_producer_")
                      .contains("jvm_memory_used_bytes")
                      .contains("process_uptime_seconds"));
      assertThat(get(agent, "/metrics").headers().firstValue("content-type").orElseThrow())
          .startsWith("text/plain");
      assertThat(get(agent, "/nothing").statusCode()).isEqualTo(404);
    }
    assertThat(modelClosed).isTrue();
  }

  @Test
  void isLiveButNotReadyWhenTheStreamHasFailed() throws Exception {
    FoldingModel failing =
        new FoldingModel(
            first -> {
              throw new AssertionError("a defect");
            });
    fixture.sendNumbered(0, 0, 1);
    try (Agent agent = start(fixture.config, failing)) {
      await()
          .untilAsserted(
              () -> assertThat(agent.health().orElseThrow().detail()).contains("a defect"));

      HttpResponse<String> ready = get(agent, "/v2/health/ready");

      assertThat(ready.statusCode()).isEqualTo(503);
      assertThat(json(ready).get("ready").asBoolean()).isFalse();
      assertThat(json(ready).get("stream").asText()).isEqualTo("failed");
      assertThat(json(ready).get("detail").asText()).contains("a defect");
      assertThat(get(agent, "/v2/health/live").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void servesHttpWithoutAStream() throws Exception {
    try (Agent agent = start(null, new FoldingModel())) {
      assertThat(get(agent, "/v2/health/ready").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void finishesTheBatchInHandWhenClosed() {
    fixture.sendNumbered(0, 0, 3);
    Agent agent = start(fixture.config.withBatch(64, Duration.ofSeconds(60)), new FoldingModel());
    await().until(() -> agent.health().orElseThrow().ready());
    // long enough for the records to be polled; they wait for a batch of 64
    await().pollDelay(Duration.ofSeconds(1)).until(() -> true);

    agent.close();

    assertThat(fixture.out().await(3)).hasSize(3);
  }

  @Test
  void isNotReadyFromTheMomentItIsToldToStop() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    FoldingModel slow =
        new FoldingModel(
            first -> {
              running.countDown();
              try {
                goOn.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    fixture.sendNumbered(0, 0, 3);
    Agent agent = start(fixture.config, slow);
    Thread closing = new Thread(agent::close);
    try {
      running.await();
      closing.start();

      await().until(() -> get(agent, "/v2/health/ready").statusCode() == 503);
      assertThat(json(get(agent, "/v2/health/ready")).get("stream").asText()).isEqualTo("stopping");
      assertThat(get(agent, "/v2/health/live").statusCode()).isEqualTo(200);
    } finally {
      goOn.countDown();
      closing.join();
    }
    assertThat(fixture.out().await(3)).hasSize(3);
  }

  @Test
  void answersCarryTheTraceOfTheirRequest() throws Exception {
    try (Agent agent = start(null, new FoldingModel())) {
      URI uri = URI.create("http://127.0.0.1:" + agent.port().orElseThrow() + "/v2/health/live");
      String trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
      HttpRequest request =
          HttpRequest.newBuilder(uri)
              .header("traceparent", trace)
              .header("tracestate", "v=1")
              .build();

      HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());

      assertThat(answer.headers().firstValue("traceparent")).hasValue(trace);
      assertThat(answer.headers().firstValue("tracestate")).hasValue("v=1");
      assertThat(get(agent, "/v2/health/live").headers().firstValue("traceparent")).isEmpty();
    }
  }

  @Test
  void saysInOneLineThatThePortIsTaken() {
    try (Agent first = start(null, new FoldingModel())) {
      AgentConfig.Http taken = new AgentConfig.Http("127.0.0.1", first.port().orElseThrow());
      AgentConfig config = new AgentConfig(MODEL, taken, null, null, null);

      assertThatThrownBy(
              () ->
                  Agent.start(config, (unused, batchSize) -> opened(new FoldingModel(), () -> {})))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1:" + taken.port());
    }
  }

  @Test
  void refusesToServeOverHttpWhatLearnsFromLabels(@TempDir Path folder) throws Exception {
    Path model = TinyClassifier.write(folder.resolve("tiny.onnx"));
    Path config =
        Files.writeString(
            folder.resolve("agent.yaml"),
            "{model: '%s', method: tbn+supervised, provider: cpu, threads: 1, http: {port: 0}}"
                .formatted(model));
    AgentConfig read = AgentConfig.read(config);

    assertThatThrownBy(() -> Agent.start(read, ModelOpener::adaptive))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            "method: expected one that learns without labels for requests over HTTP");
  }

  private static ModelOpener.Opened opened(FoldingModel model, AutoCloseable resource) {
    return new ModelOpener.Opened(model, resource);
  }
}
