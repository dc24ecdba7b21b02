package dev.acclimate.agent;

import dev.acclimate.simulate.Comparison;
import dev.acclimate.simulate.SavedResults;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells what changed between two simulations. */
@Command(
    name = "compare",
    description = {
      "Puts two results of simulate side by side: error rates of the second less those of the first,",
      "methods by domains, with intervals where both ran several seeds, and what differs in model,",
      "data and command."
    },
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate simulate compare results/monday results/tuesday"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SimulateCompareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "A",
      description = "Folder of a simulation, or its results.json.")
  private Path first;

  @Parameters(index = "1", paramLabel = "B", description = "The other one.")
  private Path second;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    Comparison comparison = Comparison.of(SavedResults.read(first), SavedResults.read(second));
    PrintWriter writer = spec.commandLine().getOut();
    writer.print(json ? comparison.toJson() : comparison.toText());
    writer.flush();
    return 0;
  }
}
