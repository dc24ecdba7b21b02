package dev.acclimate.agent;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.acclimate.simulate.TextTable;
import dev.acclimate.streams.JournaledStates;
import dev.acclimate.streams.JournaledStates.JournaledState;
import dev.acclimate.streams.JournaledStates.Snapshot;
import dev.acclimate.streams.StreamConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the states that an agent keeps. */
@Command(
    name = "list",
    description = {
      "Shows the states in an agent's state topic: the steps each has behind it, how old and large",
      "its last snapshot is, how many batches came since, and the batches of its lane. A lane is a",
      "partition of the topic in, or with scope model all of it."
    },
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate state list --config agent/examples/stream.yaml --json"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StateListCommand implements Callable<Integer> {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Spec private CommandSpec spec;

  @Mixin private StateTopicOption topic;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    StreamConfig stream = topic.stream();
    List<JournaledState> states;
    try (JournaledStates journal = topic.open(stream)) {
      states = journal.list();
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? json(stream, states) : text(stream, states));
    out.flush();
    return 0;
  }

  private static String json(StreamConfig stream, List<JournaledState> states) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("group", stream.group());
    root.put("topic", stream.topics().state());
    root.putArray("streams");
    for (JournaledState state : states) {
      ObjectNode node = root.withArray("streams").addObject();
      node.put("lane", state.lane());
      node.put("stream", state.display());
      node.put("variant", state.variant());
      node.put("steps", state.steps());
      node.put("batches_since_snapshot", state.batches());
      node.put("lane_batches", state.sequence());
      Snapshot snapshot = state.snapshot();
      if (snapshot == null) {
        node.putNull("snapshot");
      } else {
        ObjectNode written = node.putObject("snapshot");
        written.put("time", Instant.ofEpochMilli(snapshot.timestamp()).toString());
        written.put("bytes", snapshot.bytes());
        written.put("offset", snapshot.offset());
      }
    }
    return JSON.writeValueAsString(root) + "\n";
  }

  private static String text(StreamConfig stream, List<JournaledState> states) {
    if (states.isEmpty()) {
      return "no state of group " + stream.group() + " in " + stream.topics().state() + "\n";
    }
    long now = System.currentTimeMillis();
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "lane", "stream", "method", "steps", "snapshot", "bytes", "since", "lane's batches"));
    for (JournaledState state : states) {
      Snapshot snapshot = state.snapshot();
      rows.add(
          List.of(
              state.lane(),
              state.display(),
              state.variant(),
              Long.toString(state.steps()),
              age(snapshot, now),
              snapshot == null ? "-" : Long.toString(snapshot.bytes()),
              Integer.toString(state.batches()),
              Long.toString(state.sequence())));
    }
    return TextTable.of(rows);
  }

  private static String age(@Nullable Snapshot snapshot, long now) {
    if (snapshot == null) {
      return "-";
    }
    Duration age = Duration.ofMillis(Math.max(0, now - snapshot.timestamp()));
    if (age.toMinutes() < 2) {
      return age.toSeconds() + " s ago";
    }
    if (age.toHours() < 2) {
      return age.toMinutes() + " min ago";
    }
    return age.toDays() < 2 ? age.toHours() + " h ago" : age.toDays() + " days ago";
  }
}
