package dev.acclimate.agent;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What operators do with the states of a running agent. */
@Command(
    name = "state",
    description = {
      "Shows, fetches or resets the states that an agent keeps in its state topic, whether it runs",
      "or not."
    },
    subcommands = {
      StateListCommand.class,
      StateGetCommand.class,
      StateResetCommand.class,
      StateSwitchCommand.class
    },
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate state list --config agent/examples/stream.yaml"})
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class StateCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "list, get, reset or switch is missing");
  }
}
