package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.acclimate.streams.FoldingModel;
import dev.acclimate.streams.Scope;
import dev.acclimate.streams.StreamConfig;
import dev.acclimate.streams.StreamConfig.StateKeeping;
import dev.acclimate.streams.StreamFixture;
import dev.acclimate.streams.StreamProcessor;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class StateCommandTest {
  private final StreamFixture fixture = new StreamFixture(2);
  private final StreamConfig stream =
      fixture
          .config
          .withBatch(4, Duration.ofSeconds(20))
          .withStates(new StateKeeping(Scope.STREAM, 0, 1 << 20));
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final CommandLine line =
      Acclimate.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

  @TempDir Path folder;
  private String config = "";

  @BeforeEach
  void write() throws IOException {
    config = write("agent.yaml", ", state: " + stream.topics().state()).toString();
  }

  private Path write(String name, String stateTopic) throws IOException {
    StreamConfig.Topics topics = stream.topics();
    return Files.writeString(
        folder.resolve(name),
        """
        model: '%s'
        scope: %s
        kafka:
          bootstrap: %s
          group: %s
          topics: {in: %s, out: %s, dead-letter: %s%s}
        """
            .formatted(
                Files.write(folder.resolve("model.onnx"), new byte[1]),
                stateTopic.isEmpty() ? "partition" : "stream",
                stream.bootstrap(),
                stream.group(),
                topics.in(),
                topics.out(),
                topics.deadLetter(),
                stateTopic));
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  /** A processor that has answered two batches of key-0 and one of key-1. */
  private StreamProcessor answered() {
    StreamProcessor processor =
        StreamProcessor.create(stream, new FoldingModel(), new SimpleMeterRegistry());
    processor.start();
    fixture.sendNumbered(0, 0, 8);
    fixture.sendNumbered(1, 0, 4);
    assertThat(fixture.out().await(12)).hasSize(12);
    return processor;
  }

  private int execute(String... arguments) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    String[] all = Stream.concat(Stream.of("state"), Stream.of(arguments)).toArray(String[]::new);
    return line.execute(all);
  }

  private JsonNode list() throws IOException {
    assertThat(execute("list", "--config", config, "--json")).isZero();
    return new ObjectMapper().readTree(out.toString());
  }

  private List<Long> steps() throws IOException {
    return list().get("streams").findValues("steps").stream().map(JsonNode::longValue).toList();
  }

  private void refuses(String message, String... arguments) {
    assertThat(execute(arguments)).as("%s", err).isEqualTo(2);
    assertThat(err.toString()).contains(message).hasLineCount(1);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void everyCommandHasHelpWithAnExample() {
    for (String command : List.of("list", "get", "reset", "switch")) {
      assertThat(execute(command, "--help")).isZero();
      assertThat(out.toString())
          .contains("Usage: acclimate state " + command)
          .contains("Example: acclimate state " + command);
    }
  }

  @Test
  void listsWhatThereIsWhetherTheAgentRunsOrNot() throws Exception {
    try (StreamProcessor processor = answered()) {
      assertThat(processor.health().partitions()).isEqualTo(2);
      assertThat(steps()).containsExactlyInAnyOrder(2L, 1L);
    }

    JsonNode first = list().get("streams").get(0);
    assertThat(list().get("group").asText()).isEqualTo(stream.group());
    assertThat(first.get("lane").asText()).isEqualTo(stream.topics().in() + "-0");
    assertThat(first.get("stream").asText()).isEqualTo("key-0");
    assertThat(first.get("variant").asText()).isEqualTo("folding");
    assertThat(first.get("steps").asLong()).isEqualTo(2);
    assertThat(first.get("lane_batches").asLong()).isEqualTo(2);
    assertThat(first.get("batches_since_snapshot").asInt()).isZero();
    assertThat(first.get("snapshot").get("bytes").asInt()).isEqualTo("25.0 2".length());
    assertThat(execute("list", "--config", config)).isZero();
    List<String> lines = out.toString().lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).startsWith("lane").contains("stream", "steps", "snapshot", "bytes");
    assertThat(lines.get(2)).contains("key-0", "folding", " s ago");
    assertThat(lines.stream().map(String::length)).containsOnly(lines.get(0).length());
  }

  @Test
  void saysSoWhereThereIsNoState() {
    assertThat(execute("list", "--config", config)).isZero();

    assertThat(out.toString())
        .isEqualTo("no state of group " + stream.group() + " in " + stream.topics().state() + "\n");
    refuses(
        "expected a stream in the state topic, found none", "reset", "--config", config, "--yes");
  }

  @Test
  void getsTheLatestSnapshot() throws Exception {
    Path state = folder.resolve("state");
    String file = state.toString();
    try (StreamProcessor processor = answered()) {
      assertThat(processor.health().partitions()).isEqualTo(2);
      assertThat(execute("get", "--config", config, "--out", file, "--stream", "key-0")).isZero();
      // first batch of the lane is a checkpoint, the second one lies behind it
      assertThat(out.toString())
          .contains("state of stream key-0 of " + stream.topics().in() + "-0, folding, 5 bytes")
          .contains("1 batches since; the running agent's next snapshot has them (step 2)");
      assertThat(state).hasContent("6.0 1");
    }

    assertThat(execute("get", "--config", config, "--out", file, "--partition", "0")).isZero();
    assertThat(out.toString()).doesNotContain("since");
    assertThat(state).hasContent("25.0 2");

    String lane = stream.topics().in();
    refuses(
        "expected one stream, found key-0 of " + lane + "-0, key-1 of " + lane + "-1: say which",
        "get",
        "--config",
        config,
        "--out",
        file);
    refuses(
        "expected stream key-1 of partition 0 in the state topic, found key-0 of " + lane,
        "get",
        "--config",
        config,
        "--out",
        file,
        "--stream",
        "key-1",
        "--partition",
        "0");
    refuses(
        "--out: expected a file that can be written",
        "get",
        "--config",
        config,
        "--out",
        folder.toString(),
        "--partition",
        "0");
  }

  @Test
  void resetsOneStreamOfARunningAgent() throws Exception {
    try (StreamProcessor processor = answered()) {
      assertThat(execute("reset", "--config", config, "--stream", "key-0", "--yes")).isZero();

      assertThat(out.toString())
          .contains("asked for a reset of 1 streams of 1 lanes")
          .contains("done in all 1 lanes");
      assertThat(processor.health().ready()).isTrue();
      assertThat(steps()).containsExactly(0L, 1L);
    }
    refuses(
        // as it started, it is not worth a word in the journal
        "expected stream key-0 in the state topic, found key-1",
        "get",
        "--config",
        config,
        "--out",
        folder.resolve("s").toString(),
        "--stream",
        "key-0");
  }

  @Test
  void leavesAResetToTheNextAgentWhereNoneRuns() throws Exception {
    answered().close();

    assertThat(execute("reset", "--config", config, "--yes")).isZero();

    assertThat(out.toString())
        .contains("asked for a reset of 2 streams of 2 lanes")
        .contains("no agent of group " + stream.group() + " runs");
    assertThat(steps()).containsExactly(2L, 1L);
    try (StreamProcessor next =
        StreamProcessor.create(stream, new FoldingModel(), new SimpleMeterRegistry())) {
      next.start();
      await().untilAsserted(() -> assertThat(steps()).allMatch(step -> step == 0));
    }
  }

  @Test
  void refusesWhatItCannotDo() throws Exception {
    Path none = write("none.yaml", "");

    refuses("acclimate state: list, get, reset or switch is missing");
    refuses("no terminal to ask at whether to reset: say --yes", "reset", "--config", config);
    refuses("--wait: expected 0", "reset", "--config", config, "--yes", "--wait", "-1");
    refuses(
        "Invalid value for option '--partition'", "reset", "--config", config, "--partition", "x");
    refuses(
        none + ": kafka.topics.state: expected the topic that the agent keeps its states in",
        "list",
        "--config",
        none.toString());
    refuses("nowhere.yaml: expected a readable", "get", "--config", "nowhere.yaml", "--out", "x");
  }
}
