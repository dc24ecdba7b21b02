package dev.acclimate.agent.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests that are too large, too slow, or no requests at all, and what honest ones notice. */
class HostileClientTest {
  private static final String INFER = "/v2/models/sum/infer";
  private static final String GOOD =
      """
      {"inputs": [{"name": "a", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
                  {"name": "b", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}],
       "outputs": [{"name": "sum"}]}
      """;
  private static final String ANSWER = "\"data\":[2.0,4.0]";

  @TempDir private Path folder;
  private RunningAgent agent;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @BeforeEach
  void start() throws IOException {
    agent = new RunningAgent(folder, "max-requests: 2", "body-timeout: 2s", "memory: 256KiB");
  }

  @AfterEach
  void stop() {
    agent.close();
  }

  private HttpResponse<String> post(String path, byte[] body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(agent.uri(path)).header("content-type", "application/json");
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(
        request.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> post(String body) throws Exception {
    return post(INFER, body.getBytes(StandardCharsets.UTF_8));
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), agent.port());
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** Sends bytes as they are, and reads until the server closes the connection. */
  private String raw(String bytes) throws IOException {
    try (Socket socket = connect()) {
      send(socket, bytes);
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void send(Socket socket, String bytes) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(bytes.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  private static String head(String... headers) {
    return "POST " + INFER + " HTTP/1.1\r\nhost: a\r\n" + String.join("\r\n", headers) + "\r\n\r\n";
  }

  private void requireWell() throws Exception {
    HttpResponse<String> response = post(GOOD);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    assertThat(response.body()).contains(ANSWER);
  }

  @Test
  void aBodyThatIsAnnouncedTooLargeIsRefusedBeforeItComes() throws Exception {
    String answer = raw(head("content-length: 65537"));

    assertThat(answer)
        .startsWith("HTTP/1.1 413 ")
        .contains("{\"error\":\"expected a body of at most 65536 bytes\"}");
    requireWell();
  }

  @Test
  void aBodyThatGrowsTooLargeIsCutShort() throws Exception {
    String chunk = "8000\r\n" + "x".repeat(0x8000) + "\r\n";

    String answer = raw(head("transfer-encoding: chunked") + chunk + chunk + chunk);

    assertThat(answer).startsWith("HTTP/1.1 413 ");
    requireWell();
  }

  @Test
  void aBodyThatUnpacksTooLargeIsCutShort() throws Exception {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(new byte[16 << 20]);
    }

    HttpResponse<String> response = post(INFER, packed.toByteArray(), "content-encoding", "gzip");

    assertThat(packed.size()).isLessThan(65536);
    assertThat(response.statusCode()).isEqualTo(413);
    requireWell();
  }

  @Test
  void aBodyThatDoesNotComeIsWaitedForSoLongOnly() throws Exception {
    String answer = raw(head("content-length: 100") + "{\"inputs\":");

    assertThat(answer)
        .startsWith("HTTP/1.1 408 ")
        .contains("the body took longer than 2000 ms to arrive");
    requireWell();
  }

  @Test
  void overloadIsAnsweredAtOnceAndPasses() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 2; i++) {
        Socket socket = connect();
        slow.add(socket);
        send(socket, head("content-length: 100") + "{");
      }

      HttpResponse<String> refused = await().until(() -> post(GOOD), r -> r.statusCode() != 200);

      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.headers().firstValue("retry-after")).hasValue("1");
      assertThat(refused.body()).contains("overloaded: 2 requests are in hand already");
      assertThat(refused.headers().firstValue("connection"))
          .as("a new connection for each attempt would be more work than the refusal")
          .isEmpty();
      HttpRequest live = HttpRequest.newBuilder(agent.uri("/v2/health/live")).build();
      assertThat(http.send(live, HttpResponse.BodyHandlers.discarding()).statusCode())
          .isEqualTo(200);
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
    await().untilAsserted(this::requireWell);
  }

  @Test
  void whatAShortTextUnfoldsToCountsAsMemory() throws Exception {
    byte[] nothing = "{}".getBytes(StandardCharsets.UTF_8);
    assertThat(post("/v2/repository/models/echo-fp64/load", nothing).statusCode()).isEqualTo(200);
    String body =
        "{\"inputs\": [{\"name\": \"x\", \"shape\": [16000, 2], \"datatype\": \"FP64\", \"data\": ["
            + "0,".repeat(31_999)
            + "0]}]}";

    HttpResponse<String> refused =
        post("/v2/models/echo-fp64/infer", body.getBytes(StandardCharsets.UTF_8));

    assertThat(refused.statusCode()).as("64 KB of text, 256 KB of numbers").isEqualTo(503);
    assertThat(refused.body()).contains("requests in hand hold 262144 bytes already");
    requireWell();
  }

  @Test
  void nestingHasABottom() throws Exception {
    String deep = "[".repeat(20_000) + "]".repeat(20_000);

    for (String body :
        List.of(
            deep,
            "{\"x\": " + deep + "}",
            "{\"parameters\": {\"p\": " + deep + "}}",
            "{\"inputs\": " + deep + "}",
            GOOD.replaceFirst("\\[1, 2\\]}", deep + "}"))) {
      HttpResponse<String> response = post(body);
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(response.body()).startsWith("{\"error\":\"").hasSizeLessThan(1000);
    }
    assertThat(post("/v2/repository/index", deep.getBytes(StandardCharsets.UTF_8)).statusCode())
        .isEqualTo(400);
    requireWell();
  }

  @Test
  void whatIsNoHttpIsRefused() throws Exception {
    assertThat(raw("\u0016\u0003\u0001 nonsense\r\n\r\n")).containsPattern("^HTTP/1.[01] 400 ");
    assertThat(raw("GET /v2 HTTP/1.1\r\nhost: a\r\nx: " + "y".repeat(20_000) + "\r\n\r\n"))
        .containsPattern("^HTTP/1.[01] 431 ");
    assertThat(raw("GET /" + "y".repeat(20_000) + " HTTP/1.1\r\nhost: a\r\n\r\n"))
        .containsPattern("^HTTP/1.[01] 414 ");
    requireWell();
  }

  @Test
  void pathsLeadNowhereElse() throws Exception {
    for (String path :
        List.of(
            "/v2/models/..%2F..%2Fetc%2Fpasswd",
            "/v2/models/%2e%2e/infer",
            "/v2/models/sum%00/ready",
            "/v2/repository/models/%2e%2e%2foutside/load",
            "/v2/repository/models/..%5Coutside/load",
            "/v2/repository/models//etc/passwd/load")) {
      String method = path.startsWith("/v2/models") && !path.endsWith("infer") ? "GET" : "POST";
      String answer =
          raw(method + " " + path + " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
      assertThat(answer).as(path).startsWith("HTTP/1.1 404 ").contains("{\"error\":\"");
    }
    requireWell();
  }
}
