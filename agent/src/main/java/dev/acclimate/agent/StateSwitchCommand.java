package dev.acclimate.agent;

import dev.acclimate.adapters.Method;
import dev.acclimate.streams.JournaledStates;
import dev.acclimate.streams.JournaledStates.JournaledState;
import dev.acclimate.streams.StreamConfig;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Asks for another method. */
@Command(
    name = "switch",
    description = {
      "Asks the running agents of the group to go on with another method, between two batches and",
      "without a restart. The states of the method before are kept for going back. When an agent is",
      "started again, its configuration file says which method it takes."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate state switch --config agent/examples/stream.yaml --method alpha-bn"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StateSwitchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private StateTopicOption topic;

  @Option(
      names = "--method",
      required = true,
      paramLabel = "M",
      description = "The method with its options, such as unmix-tns[momentum=0.5].")
  private String method;

  @Override
  public Integer call() {
    String canonical = Method.parse(method).canonical();
    StreamConfig stream = topic.stream();
    try (JournaledStates journal = topic.open(stream)) {
      List<JournaledState> states = journal.list();
      int lanes = journal.requestSwitch(states, canonical).size();
      PrintWriter out = spec.commandLine().getOut();
      out.println(
          lanes == 0
              ? "no agent of group " + stream.group() + " has answered yet: nothing to ask"
              : "asked the owners of " + lanes + " lanes for " + canonical);
      out.flush();
    }
    return 0;
  }
}
