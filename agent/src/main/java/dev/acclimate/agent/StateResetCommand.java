package dev.acclimate.agent;

import dev.acclimate.streams.JournaledStates;
import dev.acclimate.streams.JournaledStates.ControlRequest;
import dev.acclimate.streams.JournaledStates.JournaledState;
import dev.acclimate.streams.StreamConfig;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Starts states anew. */
@Command(
    name = "reset",
    description = {
      "Asks the agent to start streams anew from the initial state, all of them unless --stream or",
      "--partition says which. It does so between two batches and without a restart; an agent that",
      "does not run does it when it starts."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate state reset --config agent/examples/stream.yaml --stream camera-7 --yes"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class StateResetCommand implements Callable<Integer> {
  private static final long LOOK_MILLIS = 300;
  private static final String CLEAR_LINE = "\r\033[K";

  @Spec private CommandSpec spec;

  @Mixin private StateTopicOption topic;

  @Mixin private StateSelection selection;

  @Option(names = "--yes", description = "Do not ask.")
  private boolean yes;

  @Option(
      names = "--wait",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "How long to wait for the running agent to have done it; 0 for not at all."
              + " Default: ${DEFAULT-VALUE}.")
  private int wait;

  @Override
  public Integer call() throws InterruptedException {
    if (wait < 0) {
      throw new ParameterException(
          spec.commandLine(), "--wait: expected 0 seconds or more, found " + wait);
    }
    if (!yes && !Terminal.isWatched()) {
      throw new ParameterException(
          spec.commandLine(), "no terminal to ask at whether to reset: say --yes");
    }
    StreamConfig stream = topic.stream();
    try (JournaledStates journal = topic.open(stream)) {
      List<JournaledState> states = selection.of(journal.list(), stream.topics().in());
      long lanes = states.stream().map(JournaledState::lane).distinct().count();
      String what = "%d streams of %d lanes".formatted(states.size(), lanes);
      if (!yes && !agrees("Reset " + what + " of group " + stream.group() + "?")) {
        say("nothing is reset");
        return Acclimate.EXIT_FAILURE;
      }
      int processors = journal.processors();
      List<ControlRequest> requests = journal.requestReset(states, selection.wholeLanes());
      say("asked for a reset of " + what);
      if (processors == 0) {
        say("no agent of group " + stream.group() + " runs: the next one to start does it");
        return 0;
      }
      return wait == 0 ? 0 : await(journal, requests);
    }
  }

  private boolean agrees(String question) {
    String answer = Objects.requireNonNull(System.console()).readLine("%s [y/N] ", question);
    return answer != null && answer.strip().equalsIgnoreCase("y");
  }

  private int await(JournaledStates journal, List<ControlRequest> requests)
      throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(wait);
    List<ControlRequest> open = journal.unobeyed(requests);
    while (!open.isEmpty() && System.nanoTime() < end) {
      progress("done in " + (requests.size() - open.size()) + " of " + requests.size() + " lanes");
      Thread.sleep(LOOK_MILLIS);
      open = journal.unobeyed(open);
      progress("");
    }
    if (!open.isEmpty()) {
      throw new IllegalStateException(
          "not done within "
              + wait
              + " s: "
              + String.join(", ", open.stream().map(ControlRequest::lane).toList())
              + "; it stays asked for, and state list shows when the steps start anew");
    }
    say("done in all " + requests.size() + " lanes");
    return 0;
  }

  private void progress(String line) {
    if (Terminal.isWatched()) {
      PrintWriter err = spec.commandLine().getErr();
      err.print(CLEAR_LINE + line);
      err.flush();
    }
  }

  private void say(String line) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
