package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.JournaledStates;
import dev.acclimate.streams.JournaledStates.JournaledState;
import dev.acclimate.streams.StreamConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Fetches a state. */
@Command(
    name = "get",
    description = {
      "Writes a stream's state as of its latest snapshot to a safetensors file, which the",
      "configuration key state takes, and any ONNX runtime with the adapted model."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate state get --config agent/examples/stream.yaml --partition 0 \\",
      "    --out state.safetensors"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StateGetCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private StateTopicOption topic;

  @Mixin private StateSelection selection;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The state.")
  private Path out;

  @Override
  public Integer call() {
    StreamConfig stream = topic.stream();
    try (JournaledStates journal = topic.open(stream)) {
      JournaledState state = selection.oneOf(journal.list(), stream.topics().in());
      byte[] bytes = journal.read(state);
      write(bytes);
      report(state, bytes.length);
    }
    return 0;
  }

  private void write(byte[] bytes) {
    try {
      Files.write(out, bytes);
    } catch (IOException e) {
      throw new InvalidInputException(
          "--out: expected a file that can be written, found " + out + " (" + e + ")", e);
    }
  }

  private void report(JournaledState state, int bytes) {
    PrintWriter writer = spec.commandLine().getOut();
    writer.println(
        out
            + ": state of stream "
            + state.display()
            + " of "
            + state.lane()
            + ", "
            + state.variant()
            + ", "
            + bytes
            + " bytes");
    if (state.batches() > 0) {
      writer.println(
          state.batches()
              + " batches since; the running agent's next snapshot has them (step "
              + state.steps()
              + ")");
    }
    writer.flush();
  }
}
