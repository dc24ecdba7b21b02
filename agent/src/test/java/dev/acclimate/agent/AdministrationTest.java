package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Administration of a model that is served, by HTTP. */
class AdministrationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int IMAGE = 3 * 32 * 32;

  @TempDir Path folder;
  private final HttpClient http = HttpClient.newHttpClient();

  private Agent start(String... lines) throws IOException {
    TinyClassifier.write(folder.resolve("tiny.onnx"));
    List<String> config =
        new ArrayList<>(
            List.of(
                "model: '" + folder.resolve("tiny.onnx") + "'",
                "method: ema",
                "guard: {policy: off}",
                "provider: cpu",
                "threads: 1",
                "http:",
                "  port: 0"));
    Collections.addAll(config, lines);
    Path file = Files.write(folder.resolve("agent.yaml"), config);
    return Agent.start(AgentConfig.read(file), ModelOpener::adaptive);
  }

  private static URI uri(Agent agent, String path) {
    return URI.create("http://127.0.0.1:" + agent.port().orElseThrow() + path);
  }

  private HttpResponse<String> send(Agent agent, String verb, String path, String body)
      throws Exception {
    return http.send(
        HttpRequest.newBuilder(uri(agent, path))
            .method(verb, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private JsonNode model(Agent agent) throws Exception {
    return JSON.readTree(send(agent, "GET", "/api/models/tiny", "").body());
  }

  private void infer(Agent agent) throws Exception {
    infer(agent, "");
  }

  private void infer(Agent agent, String id) throws Exception {
    String data = String.join(",", Collections.nCopies(IMAGE, "3.5"));
    HttpResponse<String> answer =
        send(
            agent,
            "POST",
            "/v2/models/tiny/infer",
            """
            {"id":"%s","inputs":[{"name":"image","datatype":"FP32","shape":[1,3,32,32],"data":[%s]}]}"""
                .formatted(id, data));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
  }

  @Test
  void tellsOfModelsAndTheirStates() throws Exception {
    try (Agent agent = start()) {
      infer(agent);
      infer(agent);

      JsonNode model = model(agent);
      assertThat(model.get("method").textValue()).isEqualTo("ema[momentum=0.1]");
      assertThat(model.get("mode").textValue()).isEqualTo("active");
      assertThat(model.get("step").asLong()).isEqualTo(2);
      assertThat(model.get("sites").asInt()).isEqualTo(1);
      assertThat(model.has("guard")).isFalse();
      assertThat(JSON.readTree(send(agent, "GET", "/api/models", "").body()).get("models").get(0))
          .isEqualTo(model);
    }
  }

  @Test
  void goesBackToASnapshotToTheBit() throws Exception {
    try (Agent agent = start()) {
      infer(agent);
      byte[] kept = state(agent);
      String id =
          JSON.readTree(send(agent, "POST", "/api/models/tiny/snapshots", "").body())
              .get("id")
              .textValue();
      infer(agent);
      assertThat(state(agent)).isNotEqualTo(kept);

      String restore = "/api/models/tiny/snapshots/" + id + "/restore";
      assertThat(send(agent, "POST", restore, "").statusCode()).isEqualTo(200);

      assertThat(state(agent)).isEqualTo(kept);
    }
  }

  private byte[] state(Agent agent) throws Exception {
    return http.send(
            HttpRequest.newBuilder(uri(agent, "/api/models/tiny/state")).build(),
            BodyHandlers.ofByteArray())
        .body();
  }

  @Test
  void takesAStateThatItGaveAndResets() throws Exception {
    try (Agent agent = start()) {
      infer(agent);
      byte[] kept = state(agent);
      assertThat(send(agent, "POST", "/api/models/tiny/reset", "").statusCode()).isEqualTo(200);
      assertThat(model(agent).get("step").asLong()).isZero();

      HttpRequest upload =
          HttpRequest.newBuilder(uri(agent, "/api/models/tiny/state"))
              .PUT(BodyPublishers.ofByteArray(kept))
              .build();
      assertThat(http.send(upload, BodyHandlers.ofString()).statusCode()).isEqualTo(200);

      assertThat(state(agent)).isEqualTo(kept);
      // both states that were given up are kept
      assertThat(send(agent, "GET", "/api/models/tiny/snapshots", "").body())
          .contains("\"by\":\"reset\"", "\"by\":\"upload\"");
    }
  }

  @Test
  void changesModeAndMethod() throws Exception {
    try (Agent agent = start()) {
      send(agent, "PUT", "/api/models/tiny/mode", "{\"mode\": \"canary:25%\"}");
      assertThat(model(agent).get("mode").textValue()).isEqualTo("canary:25%");

      HttpResponse<String> switched =
          send(agent, "PUT", "/api/models/tiny/method", "{\"method\": \"ema[momentum=0.5]\"}");
      assertThat(switched.statusCode()).as(switched.body()).isEqualTo(200);
      assertThat(model(agent).get("method").textValue()).isEqualTo("ema[momentum=0.5]");
      infer(agent);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | /api/models/other | | 404 | out of [tiny]",
        "POST | /api/models/tiny/snapshots/7/restore | | 404 | found '7'",
        "PUT | /api/models/tiny/mode | {\"mode\": \"on\"} | 400 | expected off, shadow",
        "PUT | /api/models/tiny/mode | {\"mode\": 1} | 400 | a text 'mode'",
        "PUT | /api/models/tiny/mode | [1 | 400 | a text 'mode'",
        "PUT | /api/models/tiny/method | {\"method\": \"tbm\"} | 400 | unknown method 'tbm'",
        "PUT | /api/models/tiny/state | no state | 400 | state",
        "POST | /api/models/tiny/labels | {\"id\": \"a\", \"label\": 1} | 404 | recent request",
        "POST | /api/models/tiny/labels | {\"id\": \"a\"} | 400 | label: expected a class",
        "POST | /api/models/tiny/labels | {\"label\": 1} | 400 | id: expected the id",
        "POST | /api/models/tiny/labels | | 400 | expected",
        "GET | /api/nothing | | 404 | no such path",
      })
  void saysWhatIsWrong(String verb, String path, String body, int status, String message)
      throws Exception {
    try (Agent agent = start()) {
      byte[] before = state(agent);

      HttpResponse<String> answer = send(agent, verb, path, body == null ? "" : body);

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
      assertThat(JSON.readTree(answer.body()).get("error").textValue()).contains(message);
      assertThat(state(agent)).isEqualTo(before);
    }
  }

  @Test
  void labelsTellHowOftenAnswersWereRight() throws Exception {
    try (Agent agent = start("mode: shadow")) {
      infer(agent, "first");
      infer(agent, "second");

      int right = 0;
      for (int label = 0; label < 2; label++) {
        String id = label == 0 ? "first" : "second";
        HttpResponse<String> answer =
            send(
                agent,
                "POST",
                "/api/models/tiny/labels",
                "{\"id\": \"" + id + "\", \"label\": " + label + "}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        right += JSON.readTree(answer.body()).get("right").asInt();
      }

      assertThat(right).as("the same image cannot be of two classes").isLessThan(2);
      assertThat(model(agent).get("labels").asInt()).isEqualTo(2);
      assertThat(model(agent).get("accuracy").asDouble()).isEqualTo(right / 2.0);
      await()
          .untilAsserted(
              () ->
                  assertThat(send(agent, "GET", "/api/history", "").body())
                      .contains("\"accuracy_adapted\":", "\"accuracy_frozen\":"));
    }
  }

  @Test
  void whatIsUnloadedLeavesNothingBehind() throws Exception {
    Path models = Files.createDirectories(folder.resolve("models"));
    TinyClassifier.write(models.resolve("other.onnx"));
    try (Agent agent = start("models: '" + models + "'")) {
      String model = "/v2/repository/models/other";
      assertThat(send(agent, "POST", model + "/load", "").statusCode()).isEqualTo(200);
      assertThat(send(agent, "POST", "/api/models/other/snapshots", "").statusCode())
          .isEqualTo(200);
      assertThat(send(agent, "GET", "/metrics", "").body())
          .contains("acclimate_guard_events_total{action=\"warned\",model=\"other\"} 0.0");

      assertThat(send(agent, "POST", model + "/unload", "").statusCode()).isEqualTo(200);

      assertThat(send(agent, "GET", "/metrics", "").body())
          .contains("model=\"tiny\"")
          .doesNotContain("model=\"other\"");
      assertThat(send(agent, "POST", model + "/load", "").statusCode()).isEqualTo(200);
      assertThat(send(agent, "GET", "/api/models/other/snapshots", "").body())
          .isEqualTo("{\"snapshots\":[]}");
    }
  }

  @Test
  void isOffWhereOthersReachThePortUnlessThereIsAToken() throws Exception {
    try (Agent agent = start("  host: 0.0.0.0")) {
      assertThat(send(agent, "GET", "/api/models", "").statusCode()).isEqualTo(403);
      assertThat(send(agent, "POST", "/v2/repository/models/tiny/load", "").statusCode())
          .isEqualTo(403);
      infer(agent);
    }
    Path token = Files.writeString(folder.resolve("token"), "a-long-enough-token");
    try (Agent agent = start("  host: 0.0.0.0", "  token-file: '" + token + "'")) {
      assertThat(send(agent, "GET", "/api/models", "").statusCode()).isEqualTo(401);
      HttpRequest request =
          HttpRequest.newBuilder(uri(agent, "/api/models"))
              .header("authorization", "Bearer a-long-enough-token")
              .build();
      assertThat(http.send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void thePageRunsNothingFromElsewhere() throws Exception {
    try (Agent agent = start()) {
      HttpResponse<String> page = send(agent, "GET", "/", "");
      assertThat(page.statusCode()).isEqualTo(200);
      assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
          .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'");
    }
  }
}
