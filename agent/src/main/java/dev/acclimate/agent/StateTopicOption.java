package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.streams.JournaledStates;
import dev.acclimate.streams.StreamConfig;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where an agent keeps its states. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class StateTopicOption {
  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "The agent's configuration: brokers, group and topics.")
  private Path config;

  /**
   * The agent's stream.
   *
   * @throws InvalidInputException when the configuration has none
   */
  StreamConfig stream() {
    StreamConfig stream = AgentConfig.read(config).stream();
    if (stream == null) {
      throw new InvalidInputException(
          config + ": kafka: expected the brokers and topics of an agent, found nothing");
    }
    return stream;
  }

  JournaledStates open(StreamConfig stream) {
    try {
      return JournaledStates.open(stream);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(config + ": " + e.getMessage(), e);
    }
  }
}
