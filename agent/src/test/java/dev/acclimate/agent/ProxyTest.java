package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.RequestEncoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An agent in front of another server: mostly another agent, over loopback. */
class ProxyTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String INFER = "/v2/models/tiny/infer";
  private static final TensorInfo IMAGE =
      new TensorInfo(
          "image",
          ElementType.FP32,
          List.of(
              Dimension.symbolic("batch"),
              Dimension.fixed(3),
              Dimension.fixed(32),
              Dimension.fixed(32)));

  @TempDir private Path folder;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** Starts an agent that serves the small model. */
  private Agent start(String name, int port, List<String> lines, Map<String, String> environment)
      throws IOException {
    Path model = folder.resolve("tiny.onnx");
    if (Files.notExists(model)) {
      TinyClassifier.write(model);
    }
    List<String> config = new ArrayList<>();
    if (lines.stream().noneMatch(line -> line.startsWith("model:"))) {
      config.add("model: '" + model + "'");
    }
    config.addAll(List.of("guard: {policy: off}", "provider: cpu", "threads: 1"));
    config.addAll(lines);
    config.add("http: {port: " + port + "}");
    Path file = Files.write(folder.resolve(name + ".yaml"), config);
    return Agent.start(AgentConfig.read(file, environment), ModelOpener::adaptive);
  }

  private Agent upstream(String... lines) throws IOException {
    return start("upstream", 0, List.of(lines), Map.of());
  }

  /** Starts an agent in front of another. */
  private Agent front(Object upstream, String mode, String... lines) throws IOException {
    List<String> all = new ArrayList<>(List.of("method: ema", "mode: " + mode));
    String url = upstream instanceof Agent agent ? uri(agent, "").toString() : upstream.toString();
    all.add("upstream:\n  url: " + url);
    Collections.addAll(all, lines);
    return start("front", 0, all, Map.of());
  }

  private static URI uri(Agent agent, String path) {
    return URI.create("http://127.0.0.1:" + agent.port().orElseThrow() + path);
  }

  private static RequestEncoder.Encoded request(RequestEncoder.Form form, int seed) {
    Random random = new Random(seed);
    float[] values = new float[2 * 3 * 32 * 32];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() + 0.5f;
    }
    return new RequestEncoder(IMAGE, form).encode("id-" + seed, values);
  }

  private HttpResponse<byte[]> infer(
      Agent agent, RequestEncoder.Form form, int seed, String... headers) throws Exception {
    RequestEncoder.Encoded encoded = request(form, seed);
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(uri(agent, INFER))
            .timeout(java.time.Duration.ofSeconds(30))
            .POST(BodyPublishers.ofByteArray(encoded.value()));
    if (encoded.binary()) {
      builder.header("inference-header-content-length", "" + encoded.headerLength());
    }
    if (headers.length > 0) {
      builder.headers(headers);
    }
    return http.send(builder.build(), BodyHandlers.ofByteArray());
  }

  private HttpResponse<byte[]> infer(Agent agent, int seed, String... headers) throws Exception {
    return infer(agent, RequestEncoder.Form.BINARY, seed, headers);
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  private HttpResponse<String> get(Agent agent, String path) throws Exception {
    return http.send(HttpRequest.newBuilder(uri(agent, path)).build(), BodyHandlers.ofString());
  }

  private long step(Agent agent) throws Exception {
    return JSON.readTree(get(agent, "/api/models/tiny").body()).get("step").asLong();
  }

  private byte[] state(Agent agent) throws Exception {
    return http.send(
            HttpRequest.newBuilder(uri(agent, "/api/models/tiny/state")).build(),
            BodyHandlers.ofByteArray())
        .body();
  }

  private double meter(Agent agent, String sample) throws Exception {
    Matcher line =
        Pattern.compile("(?m)^" + Pattern.quote(sample) + " (\\S+)$")
            .matcher(get(agent, "/metrics").body());
    assertThat(line.find()).as(sample).isTrue();
    return Double.parseDouble(line.group(1));
  }

  private static void assertSame(HttpResponse<byte[]> found, HttpResponse<byte[]> expected) {
    assertThat(text(found)).isEqualTo(text(expected));
    assertThat(found.body()).isEqualTo(expected.body());
    assertThat(found.statusCode()).isEqualTo(expected.statusCode());
    for (String header : List.of("content-type", "inference-header-content-length")) {
      assertThat(found.headers().allValues(header)).isEqualTo(expected.headers().allValues(header));
    }
  }

  @ParameterizedTest
  @EnumSource(RequestEncoder.Form.class)
  void offOnlyForwards(RequestEncoder.Form form) throws Exception {
    try (Agent upstream = upstream();
        Agent front = front(upstream, "off")) {
      assertSame(infer(front, form, 1), infer(upstream, form, 1));

      assertThat(step(front)).isZero();
      assertThat(meter(front, "acclimate_upstream_requests_total{outcome=\"answered\"}"))
          .isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(RequestEncoder.Form.class)
  void shadowHandsBackTheServersAnswersAndLearnsAsIfItAnswered(RequestEncoder.Form form)
      throws Exception {
    try (Agent upstream = upstream();
        Agent front = front(upstream, "shadow");
        Agent alone = start("alone", 0, List.of("method: ema"), Map.of())) {
      for (int seed = 1; seed <= 3; seed++) {
        assertSame(infer(front, form, seed), infer(upstream, form, seed));
        var adapted = infer(alone, form, seed);
        assertThat(adapted.statusCode()).isEqualTo(200);
        int steps = seed;
        await().untilAsserted(() -> assertThat(step(front)).isEqualTo(steps));
      }

      assertThat(state(front)).isEqualTo(state(alone));
      await()
          .untilAsserted(
              () ->
                  assertThat(meter(front, "acclimate_upstream_beside_total{outcome=\"compared\"}"))
                      .isEqualTo(3));
      assertThat(
              meter(front, "acclimate_upstream_samples_total{outcome=\"agreed\"}")
                  + meter(front, "acclimate_upstream_samples_total{outcome=\"disagreed\"}"))
          .isEqualTo(6);
      assertThat(meter(front, "acclimate_upstream_difference")).isPositive();
    }
  }

  @Test
  void labelsJudgeTheServersAnswersAgainstOurs() throws Exception {
    try (Agent upstream = upstream();
        Agent front = front(upstream, "shadow")) {
      var answer = infer(front, RequestEncoder.Form.JSON, 1);
      await().until(() -> step(front) == 1);

      JsonNode data = JSON.readTree(answer.body()).get("outputs").get(0).get("data");
      List<Integer> classes =
          IntStream.of(0, 10)
              .mapToObj(
                  from ->
                      IntStream.range(0, 10)
                          .reduce(
                              0,
                              (a, b) ->
                                  data.get(from + b).asDouble() > data.get(from + a).asDouble()
                                      ? b
                                      : a))
              .toList();
      HttpResponse<String> labelled =
          http.send(
              HttpRequest.newBuilder(uri(front, "/api/models/tiny/labels"))
                  .POST(BodyPublishers.ofString("{\"id\":\"id-1\",\"label\":" + classes + "}"))
                  .build(),
              BodyHandlers.ofString());
      assertThat(labelled.body()).isEqualTo("{\"labels\":2,\"right\":2}");
    }
  }

  @Test
  void activeAnswersAsOurModelAndComparesWithTheServer() throws Exception {
    try (Agent upstream = upstream();
        Agent front = front(upstream, "active");
        Agent alone = start("alone", 0, List.of("method: ema"), Map.of())) {
      for (int seed = 1; seed <= 3; seed++) {
        assertSame(infer(front, seed), infer(alone, seed));
      }

      assertThat(state(front)).isEqualTo(state(alone));
      await()
          .untilAsserted(
              () ->
                  assertThat(meter(front, "acclimate_upstream_beside_total{outcome=\"compared\"}"))
                      .isEqualTo(3));
      assertThat(meter(front, "acclimate_upstream_substituted_total")).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void canarySettlesByStreamAndLearnsFromAll(boolean byHeader) throws Exception {
    Mode half = Mode.canary(50);
    List<String> streams = IntStream.range(0, 6).mapToObj(i -> "camera-" + i).toList();
    assertThat(streams).anyMatch(half::answersAdapted).anyMatch(s -> !half.answersAdapted(s));
    try (Agent upstream = upstream();
        Agent front = front(upstream, "canary:50%");
        Agent alone = start("alone", 0, List.of("method: ema"), Map.of())) {
      for (int i = 0; i < streams.size(); i++) {
        String stream = streams.get(i);
        HttpResponse<byte[]> adapted = stream(alone, i, stream, byHeader);
        HttpResponse<byte[]> servers = stream(upstream, i, stream, byHeader);
        assertThat(adapted.body()).isNotEqualTo(servers.body());
        assertSame(
            stream(front, i, stream, byHeader), half.answersAdapted(stream) ? adapted : servers);
        int steps = i + 1;
        await().untilAsserted(() -> assertThat(step(front)).isEqualTo(steps));
      }
      assertThat(state(front)).isEqualTo(state(alone));
    }
  }

  private HttpResponse<byte[]> stream(Agent agent, int seed, String stream, boolean byHeader)
      throws Exception {
    if (byHeader) {
      return infer(agent, RequestEncoder.Form.JSON, seed, "acclimate-stream", stream);
    }
    String json =
        new String(request(RequestEncoder.Form.JSON, seed).value(), StandardCharsets.UTF_8);
    String body = "{\"parameters\":{\"stream\":\"" + stream + "\"}," + json.substring(1);
    return http.send(
        HttpRequest.newBuilder(uri(agent, INFER)).POST(BodyPublishers.ofString(body)).build(),
        BodyHandlers.ofByteArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "shadow", "canary:50%"})
  void theServersRefusalsGoThroughAndTeachNothing(String mode) throws Exception {
    try (Agent upstream = upstream();
        Agent front = front(upstream, mode)) {
      for (String body :
          List.of(
              "{}", "[", "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,2],\"data\":[1,2]}]}")) {
        HttpResponse<byte[]> direct = post(upstream, body);
        assertThat(direct.statusCode()).isEqualTo(400);
        assertSame(post(front, body), direct);
      }
      assertThat(step(front)).isZero();
      assertThat(meter(front, "acclimate_upstream_requests_total{outcome=\"refused\"}"))
          .isEqualTo(3);
      assertThat(meter(front, "acclimate_upstream_beside_total{outcome=\"compared\"}")).isZero();
    }
  }

  private HttpResponse<byte[]> post(Agent agent, String body) throws Exception {
    return http.send(
        HttpRequest.newBuilder(uri(agent, INFER)).POST(BodyPublishers.ofString(body)).build(),
        BodyHandlers.ofByteArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"shadow", "active"})
  void theServerDiesAndReturnsUnderLoad(String mode) throws Exception {
    boolean active = mode.equals("active");
    int port = freePort();
    Agent upstream = start("upstream", port, List.of(), Map.of());
    AtomicBoolean done = new AtomicBoolean();
    Map<Integer, Integer> seen = new ConcurrentHashMap<>();
    ExecutorService clients = Executors.newFixedThreadPool(4);
    try (Agent front = front(upstream, mode)) {
      List<Future<?>> running = new ArrayList<>();
      for (int client = 0; client < 4; client++) {
        int seed = client;
        running.add(
            clients.submit(
                () -> {
                  while (!done.get()) {
                    HttpResponse<byte[]> answer = infer(front, seed);
                    seen.merge(answer.statusCode(), 1, Integer::sum);
                    if (answer.statusCode() != 200) {
                      assertThat(text(answer)).contains("the upstream server cannot be reached");
                    }
                  }
                  return null;
                }));
      }
      await().until(() -> seen.getOrDefault(200, 0) > 20);
      upstream.close();
      if (active) {
        await()
            .untilAsserted(
                () ->
                    assertThat(meter(front, "acclimate_upstream_substituted_total")).isPositive());
      } else {
        await().until(() -> seen.getOrDefault(502, 0) > 5);
        await().until(() -> get(front, "/v2/health/ready").statusCode() == 503);
        assertThat(get(front, "/v2/health/ready").body())
            .contains("the upstream server cannot be reached: it refuses connections");
        assertThat(get(front, "/v2/models/tiny/ready").statusCode()).isEqualTo(503);
        assertThat(get(front, "/v2/health/live").statusCode()).isEqualTo(200);
      }
      upstream = start("upstream", port, List.of(), Map.of());
      await().until(() -> meter(front, "acclimate_upstream_ready") == 1);
      int before = seen.get(200);
      long steps = step(front);
      await().until(() -> seen.get(200) > before + 20);
      await().until(() -> step(front) > steps);
      assertThat(get(front, "/v2/health/ready").statusCode()).isEqualTo(200);
      done.set(true);
      for (Future<?> client : running) {
        client.get(30, TimeUnit.SECONDS); // every request had an answer
      }
      assertThat(seen.keySet()).isSubsetOf(active ? List.of(200) : List.of(200, 502));
    } finally {
      done.set(true);
      clients.shutdownNow();
      upstream.close();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void waitsForAServerThatIsNotThereYet() throws Exception {
    int port = freePort();
    String url = "http://127.0.0.1:" + port;
    try (Agent front = front(url, "shadow")) {
      assertThat(get(front, "/v2/health/ready").statusCode()).isEqualTo(503);
      HttpResponse<byte[]> refused = infer(front, 1);
      assertThat(refused.statusCode()).isEqualTo(502);
      assertThat(text(refused))
          .isEqualTo(
              "{\"error\":\"the upstream server cannot be reached: it refuses connections\"}");

      try (Agent upstream = start("upstream", port, List.of(), Map.of())) {
        await().until(() -> get(front, "/v2/health/ready").statusCode() == 200);
        assertSame(infer(front, 1), infer(upstream, 1));
      }
    }
    try (Agent front = front(url, "active")) {
      assertThat(get(front, "/v2/health/ready").statusCode()).isEqualTo(200);
      assertThat(infer(front, 1).statusCode()).isEqualTo(200);
    }
  }

  /** A server that has the model by its metadata, and answers requests as it is told. */
  private static final class Stub implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, List<String>> headers = new ConcurrentHashMap<>();

    Stub(String shape, com.sun.net.httpserver.HttpHandler infer) throws IOException {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setExecutor(threads);
      server.createContext(
          "/gate/v2/models/their model",
          exchange -> {
            String path = exchange.getRequestURI().getRawPath();
            if (path.endsWith("/infer")) {
              exchange.getRequestHeaders().forEach((name, all) -> headers.put(name, all));
              exchange.getRequestBody().readAllBytes();
              infer.handle(exchange);
            } else {
              send(
                  exchange,
                  200,
                  path.endsWith("/ready")
                      ? ""
                      : """
                      {"name": "their model",
                       "inputs": [{"name": "image", "datatype": "FP32", "shape": %s}],
                       "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 10]}]}
                      """
                          .formatted(shape));
            }
          });
      server.start();
    }

    static void send(HttpExchange exchange, int status, String body) {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      try (exchange) {
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    String url() {
      return "http://127.0.0.1:" + server.getAddress().getPort() + "/gate/";
    }

    @Override
    public void close() {
      server.stop(0);
      threads.shutdownNow();
    }
  }

  private static final String[] OF_STUB = {"  model: their model"};

  @Test
  void aSlowServerIsWaitedForSoLongOnly() throws Exception {
    CountDownLatch enough = new CountDownLatch(1);
    try (Stub slow =
        new Stub(
            "[-1, 3, 32, 32]",
            exchange -> {
              try {
                enough.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              Stub.send(exchange, 200, "{}");
            })) {
      try (Agent front = front(slow.url(), "shadow", OF_STUB[0], "  timeout: 300ms")) {
        HttpResponse<byte[]> late = infer(front, 1);
        assertThat(late.statusCode()).isEqualTo(504);
        assertThat(text(late))
            .isEqualTo("{\"error\":\"the upstream server gave no answer within 300 ms\"}");
        HttpResponse<byte[]> sooner = infer(front, 1, "acclimate-timeout-ms", "50");
        assertThat(text(sooner)).contains("within 50 ms");
        assertThat(step(front)).isZero();
        assertThat(meter(front, "acclimate_upstream_requests_total{outcome=\"late\"}"))
            .isEqualTo(2);
      }
      try (Agent front = front(slow.url(), "active", OF_STUB[0], "  timeout: 300ms")) {
        assertThat(infer(front, 1).statusCode()).isEqualTo(200);
        await()
            .untilAsserted(
                () ->
                    assertThat(meter(front, "acclimate_upstream_substituted_total")).isEqualTo(1));
      }
      enough.countDown();
    }
  }

  @Test
  void headersGoThroughButThoseOfTheConnection() throws Exception {
    try (Stub stub =
        new Stub(
            "[-1, 3, 32, 32]",
            exchange -> {
              exchange.getResponseHeaders().add("retry-after", "7");
              exchange.getResponseHeaders().add("keep-alive", "timeout=5");
              exchange.getResponseHeaders().add("x-served-by", "stub");
              Stub.send(exchange, 503, "busy, says the stub");
            })) {
      Map<String, String> secret =
          Map.of("ACCLIMATE_UPSTREAM_AUTHORIZATION", "Bearer not-to-be-told");
      List<String> config =
          List.of("mode: shadow", "upstream:", "  url: " + stub.url(), "  model: their model");
      try (Agent front = start("front", 0, config, secret)) {
        HttpResponse<byte[]> answer =
            infer(front, 1, "x-tenant", "a", "te", "trailers", "authorization", "Bearer of-client");

        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(text(answer)).isEqualTo("busy, says the stub");
        assertThat(answer.headers().firstValue("retry-after")).hasValue("7");
        assertThat(answer.headers().firstValue("x-served-by")).hasValue("stub");
        assertThat(answer.headers().firstValue("keep-alive")).isEmpty();
        assertThat(stub.headers)
            .containsEntry("X-tenant", List.of("a"))
            .containsEntry("Authorization", List.of("Bearer not-to-be-told"))
            .containsEntry("Accept-encoding", List.of("identity"))
            .doesNotContainKeys("Te", "Upgrade");
        assertThat(stub.headers.get("Via").get(0)).startsWith("1.1 acclimate-");
      }
      AgentConfig read = AgentConfig.read(folder.resolve("front.yaml"), secret);
      assertThat(read.toString()).contains(stub.url()).doesNotContain("not-to-be-told");
    }
  }

  @Test
  void anAnswerThatIsNoneOfTheModelGoesThroughAndTeachesNothing() throws Exception {
    try (Stub stub =
            new Stub("[-1, 3, 32, 32]", exchange -> Stub.send(exchange, 200, "{\"outputs\": 3"));
        Agent front = front(stub.url(), "shadow", OF_STUB)) {
      assertThat(text(infer(front, 1))).isEqualTo("{\"outputs\": 3");
      await()
          .untilAsserted(
              () ->
                  assertThat(
                          meter(front, "acclimate_upstream_beside_total{outcome=\"unreadable\"}"))
                      .isEqualTo(1));
      assertThat(step(front)).isZero();
    }
  }

  @Test
  void whatFindsNoRoomBesideItsAnswerIsLeftOutAndCounted() throws Exception {
    try (Agent upstream = upstream();
        Agent front =
            front(
                upstream,
                "shadow",
                "  beside-requests: 1",
                "batch: {max: 64, delay: 3s}")) { // the first waits so long for company
      for (int seed = 0; seed < 5; seed++) {
        assertSame(infer(front, seed), infer(upstream, seed));
      }
      assertThat(meter(front, "acclimate_upstream_beside_total{outcome=\"dropped\"}")).isEqualTo(4);
      await().until(() -> step(front) == 1);
    }
  }

  @Test
  void anotherModelIsRefusedAtTheStart() throws Exception {
    Path other = folder.resolve("other/tiny.onnx");
    Files.createDirectories(other.getParent());
    TinyClassifier.write(other, 1, "picture");
    try (Agent upstream = upstream("model: '" + other + "'")) {
      assertThatThrownBy(() -> front(upstream, "shadow"))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(
              "upstream: model 'tiny': input image: expected FP32 [batch, 3, 32, 32] as in our"
                  + " model, found none of that name among [picture]");
    }
    try (Stub stub = new Stub("[-1, 3, 224, 224]", exchange -> {})) {
      assertThatThrownBy(() -> front(stub.url(), "active", OF_STUB))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(
              "upstream: model 'their model': input image: expected FP32 [batch, 3, 32, 32] as in"
                  + " our model, found FP32 [-1, 3, 224, 224]");
    }
  }

  @Test
  void anotherModelInThePlaceOfOursIsRefusedToo() throws Exception {
    try (Agent upstream = upstream();
        Agent front = front(upstream, "shadow")) {
      Path other = TinyClassifier.write(folder.resolve("other.onnx"), 2, "picture");
      AgentConfig.Model model = AgentConfig.read(folder.resolve("front.yaml")).model();
      AgentConfig.Model next =
          new AgentConfig.Model(
              other, "tiny", "1", model.method(), model.provider(), 1, 0, null, null);

      assertThatThrownBy(() -> front.switchTo(next).join())
          .hasMessageContaining("input picture: expected FP32 [batch, 3, 32, 32]");
      assertSame(infer(front, 1), infer(upstream, 1));
    }
  }

  @Test
  void aServerThatLeadsBackIsRefused() throws Exception {
    int port = freePort();
    String self = "http://localhost:" + port;
    List<String> config = List.of("upstream: {url: '" + self + "'}", "mode: shadow");
    assertThatThrownBy(() -> start("self", port, config, Map.of()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("upstream.url: expected another server, found this agent itself");

    int other = freePort();
    try (Agent one =
            start(
                "one",
                port,
                List.of("mode: shadow", "upstream: {url: '" + url(other) + "'}"),
                Map.of());
        Agent two =
            start(
                "two",
                other,
                List.of("mode: shadow", "upstream: {url: '" + self + "'}"),
                Map.of())) {
      HttpResponse<byte[]> answer = infer(two, 1);
      assertThat(answer.statusCode()).isEqualTo(508);
      assertThat(text(answer)).contains("has come through this agent before");
      assertThat(one.port()).isNotEqualTo(two.port());
    }
  }

  private static String url(int port) {
    return "http://127.0.0.1:" + port;
  }
}
