package dev.acclimate.agent;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Sends a simulated stream into Kafka. */
@Command(
    name = "replay",
    description = "Sends a simulated stream into Kafka, with labels to the feedback topic.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate replay --config agent/examples/stream.yaml"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ReplayCommand implements Callable<Integer> {

  @Option(names = "--config", required = true, paramLabel = "FILE", description = "The agent's.")
  private Path config;

  @Override
  public Integer call() {
    throw new UnsupportedOperationException("not yet: " + config);
  }
}
