package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs the agent until it is told to stop. */
@Command(
    name = "run",
    description = "Runs the agent: answers a Kafka topic and serves HTTP, as configured.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "A new model, version or method in the file takes effect without a restart.",
      "SIGTERM and Ctrl-C finish the batch in hand, commit it and stop.",
      "Example: acclimate run --config agent/examples/stream.yaml"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class RunCommand implements Callable<Integer> {

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Configuration in YAML; agent/examples has commented ones.")
  private Path config;

  @Override
  public Integer call() throws Exception {
    AgentConfig read = AgentConfig.read(config);
    ConfigWatch watch = new ConfigWatch(config, read);
    Agent agent = start(read);
    watch.start(agent, ConfigWatch.PERIOD);
    Thread stop =
        new Thread(
            () -> {
              watch.close();
              agent.close();
            },
            "acclimate-stop");
    Runtime.getRuntime().addShutdownHook(stop);
    try {
      agent.done().get();
    } catch (ExecutionException e) {
      Runtime.getRuntime().removeShutdownHook(stop);
      watch.close();
      agent.close();
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
    return 0;
  }

  private Agent start(AgentConfig read) {
    try {
      return Agent.start(read, ModelOpener::adaptive);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(config + ": " + e.getMessage(), e);
    }
  }
}
