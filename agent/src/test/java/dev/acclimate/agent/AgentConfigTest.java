package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.agent.upstream.UpstreamConfig;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.Scope;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.feedback.FeedbackConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AgentConfigTest {
  @TempDir private Path folder;
  private Path model;

  @BeforeEach
  void writeModel() throws IOException {
    model = Files.write(folder.resolve("resnet.onnx"), new byte[] {1});
  }

  private Path write(String yaml) throws IOException {
    return Files.writeString(
        folder.resolve("agent.yaml"), yaml.replace("MODEL", "'" + model + "'"));
  }

  private static final String FULL =
      """
      model: MODEL
      method: alpha-bn[source-weight=0.8]
      provider: cpu
      threads: 2
      seed: 7
      scope: stream
      states: {snapshot-every: 50, memory: 64MiB}
      kafka:
        bootstrap: localhost:9092
        group: cameras
        instance: hall-1
        topics: {in: q, out: a, dead-letter: d, feedback: f, state: s}
        properties:
          consumer.auto.offset.reset: latest
      batch: {max: 32, delay: 20ms, max-record-bytes: 1000000, tasks: 'header:domain'}
      feedback: {window: 30s, capacity: 500, shadow: 0.25, memory: 8MiB}
      http: {host: 0.0.0.0, port: 9000}
      """;

  @Test
  void readsEveryKey() throws IOException {
    AgentConfig config = AgentConfig.read(write(FULL));

    AgentConfig.Model read = config.model();
    assertThat(read.name()).isEqualTo("resnet");
    assertThat(read.version()).isEqualTo("1");
    assertThat(read.method()).startsWith("alpha-bn").contains("0.8");
    assertThat(read.provider()).isEqualTo(ExecutionProvider.CPU);
    assertThat(read.threads()).isEqualTo(2);
    assertThat(read.seed()).isEqualTo(7);
    assertThat(config.http()).isEqualTo(new AgentConfig.Http("0.0.0.0", 9000));
    assertThat(config.stream())
        .isEqualTo(
            new StreamConfig(
                "localhost:9092",
                "cameras",
                "hall-1",
                new StreamConfig.Topics("q", "a", "d", "f", "s"),
                new StreamConfig.Batching(32, Duration.ofMillis(20), 1_000_000, "domain"),
                new StreamConfig.StateKeeping(Scope.STREAM, 50, 64 << 20),
                "resnet",
                "1",
                Map.of("consumer.auto.offset.reset", "latest")));
    assertThat(config.feedback())
        .isEqualTo(new FeedbackConfig(Duration.ofSeconds(30), 500, 0.25, 8 << 20));
  }

  @Test
  void readsModeAndGuard() throws IOException {
    String http = "model: MODEL\nhttp: {port: 0}\n";
    assertThat(AgentConfig.read(write(http)).model().answers())
        .isEqualTo(AgentConfig.Answers.DEFAULT);

    AgentConfig.Answers off =
        AgentConfig.read(write(http + "mode: off\nguard: {policy: off}\n")).model().answers();
    assertThat(off.mode()).isEqualTo(Mode.OFF);
    assertThat(off.guard().watches()).isFalse();

    AgentConfig.Answers canary =
        AgentConfig.read(
                write(
                    http + "mode: canary:10%\nguard: {policy: hold, check-every: 4, window: 64}\n"))
            .model()
            .answers();
    assertThat(canary.mode()).isEqualTo(Mode.canary(10));
    assertThat(canary.guard().action()).isEqualTo(GuardPolicy.Action.HOLD);
    assertThat(canary.guard().checkEvery()).isEqualTo(4);
    assertThat(canary.guard().window()).isEqualTo(64);
  }

  @Test
  void readsTheModeOfAStream() throws IOException {
    assertThat(AgentConfig.read(write(FULL)).model().answers().mode()).isEqualTo(Mode.ACTIVE);
    assertThat(AgentConfig.read(write(FULL + "mode: shadow\n")).model().answers().mode())
        .isEqualTo(Mode.SHADOW);
  }

  @Test
  void guardsAStreamWhereToldTo() throws IOException {
    assertThat(AgentConfig.read(write(FULL)).model().answers().guard().watches()).isFalse();

    GuardPolicy told =
        AgentConfig.read(write(FULL + "guard: {policy: frozen, window: 64}\n"))
            .model()
            .answers()
            .guard();
    assertThat(told.action()).isEqualTo(GuardPolicy.Action.FROZEN);
    assertThat(told.window()).isEqualTo(64);

    Path untold = write(FULL + "guard: {window: 64}\n");
    assertThatThrownBy(() -> AgentConfig.read(untold))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "guard.policy: expected how far the guard goes, which is off with kafka unless it is set, found nothing");
  }

  @Test
  void refusesAServerBehindAStream() throws IOException {
    Path file = write(FULL + "upstream: {url: 'http://a'}\n");

    assertThatThrownBy(() -> AgentConfig.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("a kafka section");
  }

  @Test
  void readsTheServerThatItStandsInFrontOf() throws IOException {
    String yaml = "model: MODEL\nhttp: {port: 0}\nupstream: {url: 'https://gate:8443/models/'}\n";
    UpstreamConfig upstream =
        Objects.requireNonNull(AgentConfig.read(write(yaml)).serving()).upstream();

    assertThat(upstream)
        .isEqualTo(
            new UpstreamConfig(
                URI.create("https://gate:8443/models/"),
                null,
                Duration.ofSeconds(30),
                64,
                64,
                64 << 20,
                null));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | upstream.url: expected a server's address, found nothing",
        "{url: 'localhost:8000'} | upstream.url: expected an address such as http://127.0.0.1:8000, found 'localhost:8000'",
        "{url: 'http://a:8000/v2?x=1'} | upstream.url: expected an address such as http://127.0.0.1:8000, found 'http://a:8000/v2?x=1'",
        "{url: 'http://me:s3cret@a'} | upstream.url: expected an address such as http://127.0.0.1:8000 without user and password, found some",
        "{url: 'http://a', connections: 0} | upstream.connections: expected a whole number from 1 to",
        "{url: 'http://a', authorization: s3cret} | upstream.authorization: expected this secret in the environment variable ACCLIMATE_UPSTREAM_AUTHORIZATION, found it in the file",
      })
  void refusesAServerThatItCannotStandInFrontOf(String upstream, String message)
      throws IOException {
    Path file = write("model: MODEL\nhttp: {port: 0}\nupstream: " + upstream + "\n");

    assertThatThrownBy(() -> AgentConfig.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": " + message)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void refusesAnAuthorizationThatIsNoHeaderWithoutTellingIt() throws IOException {
    Path file = write("model: MODEL\nhttp: {port: 0}\nupstream: {url: 'http://a'}\n");
    Map<String, String> environment =
        Map.of("ACCLIMATE_UPSTREAM_AUTHORIZATION", "Bearer s3cret\nx: y");

    assertThatThrownBy(() -> AgentConfig.read(file, environment))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("authorization: expected printable ASCII characters in one line")
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void joinsLabelsAsDocumentedWhereTheirTopicIsNamed() throws IOException {
    String feedback = "feedback: {window: 30s, capacity: 500, shadow: 0.25, memory: 8MiB}\n";
    assertThat(FULL).contains(feedback);

    AgentConfig named = AgentConfig.read(write(FULL.replace(feedback, "")));
    assertThat(named.feedback())
        .isEqualTo(new FeedbackConfig(Duration.ofMinutes(10), 100_000, 0.1));

    String unnamed = FULL.replace(feedback, "").replace(" feedback: f,", "");
    assertThat(AgentConfig.read(write(unnamed)).feedback()).isNull();
  }

  @Test
  void listensOnLoopbackUnlessToldOtherwise() throws IOException {
    AgentConfig config = AgentConfig.read(write("model: MODEL\nhttp: {}\n"));

    assertThat(config.http()).isEqualTo(new AgentConfig.Http("127.0.0.1", 8080));
    assertThat(config.stream()).isNull();
    assertThat(config.model().method()).isEqualTo("source");
  }

  @ParameterizedTest
  @ValueSource(strings = {"stream", "sidecar"})
  void examplesAreGoodButForTheModel(String name) throws IOException {
    Path example = Path.of("examples", name + ".yaml");
    List<String> lines = Files.readAllLines(example);

    assertThat(lines).filteredOn(line -> line.contains("model:")).hasSize(1);
    String yaml = String.join("\n", lines).replaceFirst("(?m)^model:.*$", "model: MODEL");
    AgentConfig config = AgentConfig.read(write(yaml));
    assertThat(config.http()).isEqualTo(new AgentConfig.Http("127.0.0.1", 8080));
    if (name.equals("stream")) {
      assertThat(Objects.requireNonNull(config.stream()).topics()).hasNoNullFieldsOrProperties();
      assertThat(config.feedback()).isEqualTo(FeedbackConfig.DEFAULT);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model: MODEL | model: | model: expected the path of a file, found nothing",
        "model: MODEL | modell: MODEL | modell: expected one of the keys [model, name, ",
        "model: MODEL | model: no.onnx | model: expected a readable file, found 'no.onnx', which is not there",
        "threads: 2 | threads: two | threads: expected a whole number from 0 to 1024, found 'two'",
        "threads: 2 | threads: -1 | threads: expected a whole number from 0 to 1024, found '-1'",
        "seed: 7 | sed: 7 | sed: expected one of the keys [model, name, ",
        "method: alpha-bn | method: beta-bn | method: unknown method 'beta-bn",
        "provider: cpu | provider: gpu | provider: unknown execution provider 'gpu'",
        "state: s} | sate: s} | kafka.topics.sate: expected one of the keys [in, out, ",
        "out: a, | out: '', | kafka.topics.out: expected a text, found nothing",
        "out: a, | out: q, | kafka.topics: expected an in topic apart from out",
        "out: a, | out: 'a b', | kafka.topics.out: expected a topic name",
        "in: q, | | kafka.topics.in: expected a text, found nothing",
        "group: cameras | group: [a, b] | kafka.group: expected a text, found a list",
        "bootstrap: localhost:9092 | group2: x | kafka.group2: expected one of the keys [bootstrap, group, ",
        "consumer.auto.offset.reset | isolation.level | kafka.properties: expected settings other than 'isolation.level'",
        "delay: 20ms | delay: 20 | batch.delay: expected a time such as 50ms, up to 60 s, found '20'",
        "delay: 20ms | delay: 5m | batch.delay: expected a time such as 50ms, up to 60 s, found '5m'",
        "max: 32 | max: 0 | batch.max: expected a whole number from 1 to 65536, found '0'",
        "scope: stream | scope: camera | scope: expected stream, partition, model, found 'camera'",
        "state: s} | } | kafka.topics.state: expected a topic, which scope stream needs",
        "memory: 64MiB | memory: 64 | states.memory: expected an amount of memory such as 256MiB, found '64'",
        "every: 50 | every: 2000 | states.snapshot-every: expected a whole number from 0 to 1000",
        "header:domain | domain | batch.tasks: expected key or header:NAME, found 'domain'",
        "feedback: f, | | feedback: expected a topic for it in kafka.topics.feedback, found none",
        "window: 30s | window: 0s | feedback.window: expected a time from 1 ms to 24 hours, found 0 ms",
        "window: 30s | window: 10h | feedback.window: expected a time such as 50ms, up to 86400 s, found '10h'",
        "capacity: 500 | capacity: 0 | feedback.capacity: expected a whole number from 1 to 10000000, found '0'",
        "shadow: 0.25 | shadow: 1.5 | feedback.shadow: expected a number from 0 to 1, found '1.5'",
        "shadow: 0.25 | shadow: most | feedback.shadow: expected a number from 0 to 1, found 'most'",
        "capacity: 500 | samples: 500 | feedback.samples: expected one of the keys [window, capacity, shadow, memory]",
        "port: 9000 | port: 90000 | http.port: expected a whole number from 0 to 65535",
        "host: 0.0.0.0 | hots: 0.0.0.0 | http.hots: expected one of the keys [host, port, tls",
        "http: { | http: [ | expected YAML, found an error in line",
        "threads: 2 | method: source | expected YAML, found an error in line 4: Duplicate field 'method'",
      })
  void tellsOfAMistakeByFileKeyExpectedAndFound(String good, String bad, String message)
      throws IOException {
    assertThat(FULL).contains(good);
    Path file = write(FULL.replace(good, bad == null ? "" : bad));

    assertThatThrownBy(() -> AgentConfig.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void environmentOverridesTheFile() throws IOException {
    AgentConfig config =
        AgentConfig.read(
            write(FULL),
            Map.ofEntries(
                Map.entry("ACCLIMATE_HTTP_PORT", "8081"),
                Map.entry("ACCLIMATE_VERSION", "007"),
                Map.entry("ACCLIMATE_KAFKA_BOOTSTRAP", "a:1,b:2"),
                Map.entry("ACCLIMATE_KAFKA_TOPICS_DEAD_LETTER", "dead"),
                Map.entry("ACCLIMATE_KAFKA_PROPERTIES_SSL_KEYSTORE_PASSWORD", "s3cret"),
                Map.entry("ACCLIMATE_BATCH_DELAY", "5ms"),
                Map.entry("ACCLIMATE_FEEDBACK_SHADOW", "1"),
                Map.entry("ACCLIMATE_SCOPE", "partition"),
                Map.entry("ACCLIMATE_LOG", "json"),
                Map.entry("HOME", "/")));

    assertThat(config.http()).isEqualTo(new AgentConfig.Http("0.0.0.0", 8081));
    assertThat(config.model().version()).isEqualTo("007");
    StreamConfig stream = Objects.requireNonNull(config.stream());
    assertThat(stream.bootstrap()).isEqualTo("a:1,b:2");
    assertThat(stream.topics().deadLetter()).isEqualTo("dead");
    assertThat(stream.topics().in()).isEqualTo("q");
    assertThat(stream.kafka())
        .containsOnly(
            Map.entry("consumer.auto.offset.reset", "latest"),
            Map.entry("ssl.keystore.password", "s3cret"));
    assertThat(stream.batching().delay()).isEqualTo(Duration.ofMillis(5));
    assertThat(stream.batching().max()).isEqualTo(32);
    assertThat(stream.states().scope()).isEqualTo(Scope.PARTITION);
    assertThat(Objects.requireNonNull(config.feedback()).shadow()).isEqualTo(1);
  }

  @Test
  void environmentMakesSectionsThatTheFileLacks() throws IOException {
    AgentConfig config =
        AgentConfig.read(write("model: MODEL\n"), Map.of("ACCLIMATE_HTTP_HOST", "0.0.0.0"));

    assertThat(config.http()).isEqualTo(new AgentConfig.Http("0.0.0.0", 8080));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "HTTP_PRT | 80 | expected the name of a key, such as ACCLIMATE_HTTP_PORT, found one of no key",
        "LOGS | json | expected the name of a key, such as ACCLIMATE_LOG, found one of no key",
        "PORT_8080_TCP_ADDR | 10.0.0.1 | found one of no key; Kubernetes sets it for a service",
        "KAFKA_PROPERTIES | a=b | expected the name of a key, such as",
        "HTTP_PORT | eighty | expected a whole number from 0 to 65535, found 'eighty'",
        "HTTP_PORT | 8e1 | expected a whole number from 0 to 65535, found '8e1'",
        "FEEDBACK_SHADOW | NaN | expected a number from 0 to 1, found 'NaN'",
        "METHOD | beta-bn | unknown method 'beta-bn'",
        "KAFKA_GROUP | '' | expected a text, found nothing",
        "MODEL | no.onnx | expected a readable file, found 'no.onnx', which is not there",
      })
  void tellsOfAMistakeByVariable(String name, String value, String message) throws IOException {
    Path file = write(FULL);

    assertThatThrownBy(() -> AgentConfig.read(file, Map.of("ACCLIMATE_" + name, value)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("environment: ACCLIMATE_" + name + ": ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void wantsSomethingToDo() throws IOException {
    Path file = write("model: MODEL\n");

    assertThatThrownBy(() -> AgentConfig.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": kafka: expected a kafka or an http section, found neither");
  }
}
