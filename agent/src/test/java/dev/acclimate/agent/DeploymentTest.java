package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the image and the manifests take for granted against what the agent does. */
class DeploymentTest {
  private static final Path DEPLOY = Path.of("deploy");

  /** What the agent's own limits on closing add up to; see the reference. */
  private static final int LONGEST_DRAIN_SECONDS = 75;

  @TempDir private Path folder;

  private static List<JsonNode> documents(String name) throws IOException {
    YAMLMapper yaml = new YAMLMapper();
    Path file = DEPLOY.resolve("kubernetes").resolve(name + ".yaml");
    List<JsonNode> documents = new ArrayList<>();
    try (var values = yaml.readerFor(JsonNode.class).<JsonNode>readValues(file.toFile())) {
      values.forEachRemaining(documents::add);
    }
    return documents;
  }

  private static JsonNode one(List<JsonNode> documents, String... kinds) {
    return documents.stream()
        .filter(document -> List.of(kinds).contains(document.at("/kind").asText()))
        .findFirst()
        .orElseThrow();
  }

  private static JsonNode pod(List<JsonNode> documents) {
    return one(documents, "StatefulSet", "Deployment").at("/spec/template");
  }

  /** The agent's own container, sidecar or not. */
  private static JsonNode agent(List<JsonNode> documents) {
    JsonNode spec = pod(documents).at("/spec");
    return Stream.of(spec.at("/initContainers"), spec.at("/containers"))
        .flatMap(list -> Stream.iterate(0, i -> i < list.size(), i -> i + 1).map(list::get))
        .filter(container -> container.at("/name").asText().equals("acclimate"))
        .findFirst()
        .orElseThrow();
  }

  private static Map<String, String> environment(JsonNode container) {
    Map<String, String> environment = new LinkedHashMap<>();
    container
        .at("/env")
        .forEach(
            one ->
                environment.put(one.at("/name").asText(), one.at("/value").asText("some-pod-0")));
    return environment;
  }

  private AgentConfig configuration(List<JsonNode> documents) throws IOException {
    String yaml = one(documents, "ConfigMap").at("/data").get("agent.yaml").asText();
    Path model = TinyClassifier.write(folder.resolve("model.onnx"));
    Path file = Files.writeString(folder.resolve("agent.yaml"), yaml);
    Map<String, String> environment = environment(agent(documents));
    environment.put("ACCLIMATE_MODEL", model.toString());
    return AgentConfig.read(file, environment);
  }

  private static String dockerfile() throws IOException {
    return Files.readString(DEPLOY.resolve("Dockerfile"));
  }

  private static String found(String pattern) throws IOException {
    Matcher matcher = Pattern.compile(pattern, Pattern.MULTILINE).matcher(dockerfile());
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sidecar", "consumer-group"})
  void manifestsConfigureAnAgentThatTheirProbesReach(String name) throws IOException {
    List<JsonNode> documents = documents(name);
    JsonNode container = agent(documents);

    AgentConfig config = configuration(documents);

    AgentConfig.Http http = Objects.requireNonNull(config.http());
    assertThat(http.host()).isEqualTo("0.0.0.0");
    JsonNode port = container.at("/ports/0");
    assertThat(port.at("/containerPort").asInt()).isEqualTo(http.port());
    for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
      JsonNode get = container.at("/" + probe + "/httpGet");
      assertThat(get.at("/port")).isEqualTo(port.at("/name"));
      assertThat(get.at("/path").asText())
          .isEqualTo(probe.equals("readinessProbe") ? "/v2/health/ready" : "/v2/health/live");
    }
    JsonNode scrape = pod(documents).at("/metadata/annotations");
    assertThat(scrape.get("prometheus.io/port").asInt()).isEqualTo(http.port());
    assertThat(scrape.get("prometheus.io/path").asText()).isEqualTo("/metrics");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sidecar", "consumer-group"})
  void manifestsHoldTheAgentToWhatItNeeds(String name) throws IOException {
    List<JsonNode> documents = documents(name);
    JsonNode spec = pod(documents).at("/spec");
    JsonNode container = agent(documents);

    assertThat(spec.at("/enableServiceLinks").asBoolean(true)).isFalse();
    assertThat(spec.at("/automountServiceAccountToken").asBoolean(true)).isFalse();
    assertThat(spec.at("/terminationGracePeriodSeconds").asInt())
        .isGreaterThanOrEqualTo(LONGEST_DRAIN_SECONDS);
    assertThat(spec.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
    assertThat(spec.at("/securityContext/runAsUser").asText())
        .isEqualTo(found("^ARG USER_ID=(\\d+)$"));
    assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
    assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true)).isFalse();
    assertThat(container.at("/volumeMounts").findValuesAsText("mountPath"))
        .contains("/tmp", "/etc/acclimate", "/models");
    assertThat(container.at("/resources/requests/memory").asText()).isNotEmpty();
    assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
    assertThat(container.at("/args").toString())
        .isEqualTo(found("^CMD (\\[\"run\".*\\])$").replace(", ", ","));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sidecar", "consumer-group"})
  void policiesSelectThePods(String name) throws IOException {
    List<JsonNode> documents = documents(name);
    JsonNode labels = pod(documents).at("/metadata/labels");

    assertThat(one(documents, "PodDisruptionBudget").at("/spec/selector/matchLabels"))
        .isEqualTo(labels);
    assertThat(one(documents, "NetworkPolicy").at("/spec/podSelector/matchLabels"))
        .isEqualTo(labels);
    assertThat(one(documents, "StatefulSet", "Deployment").at("/spec/selector/matchLabels"))
        .isEqualTo(labels);
  }

  @Test
  void sidecarIsANativeOne() throws IOException {
    JsonNode spec = pod(documents("sidecar")).at("/spec");

    assertThat(spec.at("/initContainers/0/name").asText()).isEqualTo("acclimate");
    assertThat(spec.at("/initContainers/0/restartPolicy").asText()).isEqualTo("Always");
  }

  @Test
  void podsOfTheGroupAreInstancesByTheirStableNames() throws IOException {
    List<JsonNode> documents = documents("consumer-group");

    assertThat(one(documents, "StatefulSet").at("/spec/serviceName"))
        .isEqualTo(one(documents, "Service").at("/metadata/name"));
    JsonNode instance = agent(documents).at("/env/0");
    assertThat(instance.at("/name").asText()).isEqualTo("ACCLIMATE_KAFKA_INSTANCE");
    assertThat(instance.at("/valueFrom/fieldRef/fieldPath").asText()).isEqualTo("metadata.name");
    assertThat(Objects.requireNonNull(configuration(documents).stream()).instance())
        .isEqualTo("some-pod-0");
  }

  @Test
  void imageSpeaksOfVariablesAndCommandsThatThereAre() throws IOException {
    Matcher named = Pattern.compile("ACCLIMATE_[A-Z_]+").matcher(dockerfile());
    List<String> variables = named.results().map(found -> found.group()).distinct().toList();

    assertThat(variables).contains("ACCLIMATE_HTTP_PORT", "ACCLIMATE_LOG");
    assertThat(AgentKeys.KEYS.variables()).containsAll(variables);
    assertThat(dockerfile()).contains("ORT_DISABLE_TELEMETRY=1", "GET /v2/health/live");
    assertThat(Acclimate.commandLine().getSubcommands()).containsKey("run");
    assertThat(found("^USER (.*)$")).isEqualTo("${USER_ID}:${USER_ID}");
  }

  /** Against a server: the line that Docker would run. */
  @Test
  void healthCheckTellsALiveAgentFromNone() throws Exception {
    List<String> line =
        List.of(new ObjectMapper().readValue(found("^  CMD (\\[.*\\])$"), String[].class));
    Path model = TinyClassifier.write(folder.resolve("model.onnx"));
    Path file = Files.writeString(folder.resolve("agent.yaml"), "http: {port: 0}\n");
    AgentConfig config = AgentConfig.read(file, Map.of("ACCLIMATE_MODEL", model.toString()));

    int port;
    try (Agent agent = Agent.start(config, ModelOpener::adaptive)) {
      port = agent.port().orElseThrow();
      assertThat(exitCode(line, port)).isZero();
    }
    assertThat(exitCode(line, port)).isNotZero();
  }

  private static int exitCode(List<String> line, int port) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.environment().put("ACCLIMATE_HTTP_PORT", Integer.toString(port));
    return builder.redirectErrorStream(true).start().waitFor();
  }
}
