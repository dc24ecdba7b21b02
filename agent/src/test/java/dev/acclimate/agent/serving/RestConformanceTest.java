package dev.acclimate.agent.serving;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sends the requests that are written down in {@code src/test/resources/conformance}, in their
 * order, and holds the answers to what is written beside them. They follow the published documents
 * of the Open Inference Protocol (inference_rest.md) and of its extensions for binary tensors and
 * model repositories.
 *
 * <p>In an expected body, a text between slashes is a regular expression for a text.
 */
class RestConformanceTest {
  private static final List<String> FILES =
      List.of("server", "repository", "models", "inference", "types", "binary", "errors");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;
  private static RunningAgent agent;

  private final HttpClient http = HttpClient.newHttpClient();

  @BeforeAll
  static void start() throws IOException {
    agent = new RunningAgent(folder);
  }

  @AfterAll
  static void stop() {
    agent.close();
  }

  @TestFactory
  Stream<DynamicTest> answersAsWritten() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (String file : FILES) {
      try (InputStream in =
          Objects.requireNonNull(
              RestConformanceTest.class.getResourceAsStream("/conformance/" + file + ".yaml"))) {
        for (JsonNode exchange : new YAMLMapper().readTree(in)) {
          String name = file + ": " + exchange.required("name").asText();
          tests.add(DynamicTest.dynamicTest(name, () -> check(exchange)));
        }
      }
    }
    return tests.stream();
  }

  private void check(JsonNode exchange) throws Exception {
    HttpResponse<byte[]> response =
        http.send(request(exchange), HttpResponse.BodyHandlers.ofByteArray());

    JsonNode expected = exchange.required("expect");
    String text = new String(response.body(), StandardCharsets.UTF_8);
    assertThat(response.statusCode()).as(text).isEqualTo(expected.required("status").asInt());
    for (var header : expected.path("headers").properties()) {
      assertThat(response.headers().firstValue(header.getKey()))
          .hasValue(header.getValue().asText());
    }
    int headerLength =
        response
            .headers()
            .firstValue("inference-header-content-length")
            .map(Integer::parseInt)
            .orElse(response.body().length);
    if (expected.has("json")) {
      byte[] header = Arrays.copyOf(response.body(), headerLength);
      requireSame(expected.get("json"), JSON.readTree(header), "");
    }
    if (expected.has("hex")) {
      byte[] raw = Arrays.copyOfRange(response.body(), headerLength, response.body().length);
      assertThat(HexFormat.of().formatHex(raw)).isEqualTo(plain(expected.get("hex").asText()));
    }
  }

  private static HttpRequest request(JsonNode exchange) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(agent.uri(exchange.required("path").asText()));
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    if (exchange.has("json")) {
      body.writeBytes(JSON.writeValueAsBytes(exchange.get("json")));
      request.setHeader("content-type", "application/json");
    }
    if (exchange.has("text")) {
      body.writeBytes(exchange.get("text").asText().getBytes(StandardCharsets.UTF_8));
    }
    if (exchange.has("hex")) {
      request.setHeader("content-type", "application/octet-stream");
      request.setHeader("inference-header-content-length", Integer.toString(body.size()));
      body.writeBytes(HexFormat.of().parseHex(plain(exchange.get("hex").asText())));
    }
    for (var header : exchange.path("headers").properties()) {
      request.setHeader(header.getKey(), header.getValue().asText());
    }
    return request
        .method(
            exchange.required("method").asText(),
            body.size() == 0
                ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofByteArray(body.toByteArray()))
        .build();
  }

  private static String plain(String hex) {
    return hex.replaceAll("\\s", "");
  }

  private static void requireSame(JsonNode expected, JsonNode found, String where) {
    if (expected.isObject()) {
      List<String> names = new ArrayList<>();
      expected.fieldNames().forEachRemaining(names::add);
      List<String> foundNames = new ArrayList<>();
      found.fieldNames().forEachRemaining(foundNames::add);
      assertThat(foundNames).as(where + " in " + found).containsExactlyInAnyOrderElementsOf(names);
      names.forEach(name -> requireSame(expected.get(name), found.get(name), where + "/" + name));
    } else if (expected.isArray()) {
      assertThat(found.size()).as(where + " in " + found).isEqualTo(expected.size());
      for (int i = 0; i < expected.size(); i++) {
        requireSame(expected.get(i), found.get(i), where + "/" + i);
      }
    } else if (expected.isTextual() && expected.asText().matches("(?s)/.*/")) {
      String pattern = expected.asText();
      assertThat(found.asText()).as(where).matches(pattern.substring(1, pattern.length() - 1));
    } else if (expected.isNumber()) {
      assertThat(found.isNumber()).as(where + " in " + found).isTrue();
      assertThat(found.asDouble()).as(where).isEqualTo(expected.asDouble());
    } else {
      assertThat(found).as(where).isEqualTo(expected);
    }
  }
}
