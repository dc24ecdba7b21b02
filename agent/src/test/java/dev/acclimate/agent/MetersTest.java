package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.agent.broker.EmbeddedBroker;
import dev.acclimate.agent.broker.SharedBroker;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the reference and the dashboard say of the meters against what a running agent exposes. */
class MetersTest {
  private static final Pattern FAMILY =
      Pattern.compile("^# HELP (acclimate_\\w+) (.*)\n# TYPE \\w+ (\\w+)$", Pattern.MULTILINE);
  private static final Pattern SAMPLE =
      Pattern.compile("^([a-z]\\w*)(?:\\{(.*)\\})? \\S+$", Pattern.MULTILINE);
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"[^\"]*\"");

  private static final List<String> BOUNDED =
      List.of(
          "action",
          "answer",
          "group",
          "method",
          "model",
          "outcome",
          "quantile",
          "reason",
          "route",
          "shadowed",
          "status");

  /** Base units, and what is counted. */
  private static final Pattern UNIT = Pattern.compile(".*_(seconds|bytes|samples|total)(_max)?");

  private static String metrics;

  @BeforeAll
  static void scrape(@TempDir Path folder) throws Exception {
    EmbeddedBroker broker = SharedBroker.get();
    broker.createTopics(1, "meters.in", "meters.out", "meters.dead", "meters.labels");
    Path config =
        Files.writeString(
            folder.resolve("agent.yaml"),
            """
            model: '%s'
            method: alpha-bn
            provider: cpu
            threads: 1
            kafka:
              bootstrap: %s
              group: meters
              topics: {in: meters.in, out: meters.out, dead-letter: meters.dead, feedback: meters.labels, state: meters.state}
            feedback: {shadow: 1}
            http: {port: 0}
            """
                .formatted(TinyClassifier.write(folder.resolve("tiny.onnx")), broker.bootstrap()));
    AgentConfig read = AgentConfig.read(config, Map.of());
    try (Agent agent = Agent.start(read, ModelOpener::adaptive)) {
      await().until(() -> agent.health().orElseThrow().ready());
      metrics = get(agent);
    }
    Path serving =
        Files.writeString(
            folder.resolve("serving.yaml"),
            "model: '%s'\nthreads: 1\nhttp: {port: 0}\n".formatted(folder.resolve("tiny.onnx")));
    try (Agent agent = Agent.start(AgentConfig.read(serving, Map.of()), ModelOpener::adaptive)) {
      var first = get(agent); // which is counted in the second
      assertThat(first).isNotEmpty();
      metrics = union(metrics, get(agent));
      Path before =
          Files.writeString(
              folder.resolve("before.yaml"),
              Files.readString(serving)
                  + "upstream: {url: 'http://127.0.0.1:%d'}\n"
                      .formatted(agent.port().orElseThrow()));
      try (Agent proxy = Agent.start(AgentConfig.read(before, Map.of()), ModelOpener::adaptive)) {
        metrics = union(metrics, get(proxy));
      }
    }
  }

  /** Families of both; those that are in both of the first. */
  private static String union(String one, String other) {
    StringBuilder all = new StringBuilder(one);
    for (String family : other.split("(?m)^(?=# HELP )")) {
      String head = family.lines().findFirst().orElse("");
      if (!head.isEmpty() && !one.contains(head + "\n")) {
        all.append(family);
      }
    }
    return all.toString();
  }

  @Test
  void routesAreTemplates() {
    assertThat(metrics)
        .contains("acclimate_http_requests_seconds_count{route=\"/metrics\",status=\"2xx\"} 1");
  }

  private static String get(Agent agent) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + agent.port().orElseThrow() + "/metrics");
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Labels of each sample's name. */
  private static Map<String, TreeSet<String>> samples() {
    Map<String, TreeSet<String>> samples = new TreeMap<>();
    Matcher sample = SAMPLE.matcher(metrics);
    while (sample.find()) {
      TreeSet<String> labels = samples.computeIfAbsent(sample.group(1), name -> new TreeSet<>());
      if (sample.group(2) != null) {
        LABEL.matcher(sample.group(2)).results().forEach(label -> labels.add(label.group(1)));
      }
    }
    return samples;
  }

  /** The table that the reference should hold. */
  private static List<String> table() {
    Map<String, TreeSet<String>> samples = samples();
    return FAMILY
        .matcher(metrics)
        .results()
        .filter(family -> !family.group(1).endsWith("_max"))
        .map(family -> row(family, samples))
        .sorted(Comparator.comparing(row -> row.replace('`', ' ')))
        .toList();
  }

  private static String row(MatchResult family, Map<String, TreeSet<String>> samples) {
    String name = family.group(1);
    TreeSet<String> labels =
        new TreeSet<>(samples.getOrDefault(name, samples.get(name + "_count")));
    labels.remove("quantile");
    return "| `%s` | %s | %s | %s |"
        .formatted(name, family.group(3), String.join(", ", labels), family.group(2));
  }

  /** To renew the table in src/main/resources/reference.md: take what this expects. */
  @Test
  void referenceTellsOfEveryMeterThatThereIsAndOfNoOther() throws Exception {
    List<String> documented =
        Files.readAllLines(Path.of("reference.md")).stream()
            .filter(line -> line.startsWith("| `acclimate_"))
            .toList();

    assertThat(documented).containsExactlyElementsOf(table());
  }

  @Test
  void timesAreInSecondsAndSizesInBytes() {
    List<String> named = new ArrayList<>(samples().keySet());
    named.removeIf(name -> !name.startsWith("acclimate_"));

    assertThat(named)
        .isNotEmpty()
        .allSatisfy(name -> assertThat(name).matches("acclimate(_[a-z]+)+"))
        .filteredOn(name -> name.matches(".*_(time|latency|bytes|size).*"))
        .allSatisfy(name -> assertThat(name.replaceFirst("_(sum|count)$", "")).matches(UNIT));
  }

  /** A tag that takes a value a stream or a request would fill the server that keeps them. */
  @Test
  void tagsAreOnesThatTakeFewValues() {
    samples()
        .forEach(
            (name, labels) -> {
              if (name.startsWith("acclimate_")) {
                assertThat(labels).as(name).isSubsetOf(BOUNDED);
              }
            });
  }

  @Test
  void dashboardAsksForWhatThereIs() throws Exception {
    JsonNode dashboard =
        new ObjectMapper().readTree(Path.of("deploy", "grafana", "acclimate.json").toFile());
    List<String> queries = dashboard.findValuesAsText("expr");

    assertThat(queries).hasSizeGreaterThan(10);
    for (String query : queries) {
      List<String> names =
          Pattern.compile("\\b(?:acclimate|kafka|jvm|process)_\\w+")
              .matcher(query)
              .results()
              .map(MatchResult::group)
              .toList();
      assertThat(names).as(query).isNotEmpty().allMatch(samples()::containsKey);
    }
  }
}
