package dev.acclimate.agent;

import dev.acclimate.simulate.scenarios.Scenario;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows the scenarios that come with Acclimate. */
@Command(
    name = "scenarios",
    description = {
      "Lists the scenarios that --scenario knows by name, or prints the YAML of one: a start for a",
      "scenario of your own."
    },
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate simulate scenarios night-falls > mine.yaml"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SimulateScenariosCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "NAME",
      description = "The scenario to print. Default: list all.")
  private @Nullable String name;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    out.print(name == null ? list() : Scenario.yaml(name));
    out.flush();
    return 0;
  }

  private static String list() {
    int width = Scenario.GALLERY.stream().mapToInt(String::length).max().orElse(0);
    StringBuilder list = new StringBuilder();
    for (String known : Scenario.GALLERY) {
      list.append(known).append(" ".repeat(width - known.length() + 2));
      list.append(Scenario.read(known).description()).append('\n');
    }
    return list.toString();
  }
}
