package dev.acclimate.agent;

import dev.acclimate.agent.config.Logging;
import dev.acclimate.models.InvalidInputException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line. */
@Command(
    name = "acclimate",
    description = "Keeps ONNX models accurate while their inputs drift.",
    subcommands = {
      DemoCommand.class,
      InspectCommand.class,
      SimulateCommand.class,
      AdaptCommand.class,
      CalibrateCommand.class,
      BenchCommand.class,
      RunCommand.class,
      ReplayCommand.class,
      StateCommand.class,
      ReferenceCommand.class,
      TrainBuiltinCommand.class
    },
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    version = "acclimate " + Acclimate.VERSION,
    footer = {
      "",
      "Exit codes: 0 success, 2 bad usage or input, 1 any other failure.",
      "Example: acclimate run --config agent/examples/stream.yaml"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
public final class Acclimate implements Runnable {
  static final String VERSION = "0.1.0";

  /** Bad usage or bad input, told in one line. */
  public static final int EXIT_INPUT = 2;

  /** Anything else that went wrong. */
  public static final int EXIT_FAILURE = 1;

  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Show stack traces of failures.")
  private boolean verbose;

  public static void main(String[] arguments) {
    try {
      Logging.check(System.getenv());
    } catch (InvalidInputException e) {
      System.err.println("acclimate: " + e.getMessage());
      System.exit(EXIT_INPUT);
    }
    System.exit(commandLine().execute(arguments));
  }

  /** The command line with its way of telling of failures. */
  static CommandLine commandLine() {
    Acclimate root = new Acclimate();
    CommandLine line = new CommandLine(root);
    line.setParameterExceptionHandler(root::badUsage);
    line.setExecutionExceptionHandler((e, command, parsed) -> root.failed(e, command));
    return line;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  private int badUsage(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    complain(command, e.getMessage() + " (see " + name(command) + " --help)", e);
    return EXIT_INPUT;
  }

  private int failed(Exception e, CommandLine command) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    complain(command, message, e);
    return e instanceof InvalidInputException ? EXIT_INPUT : EXIT_FAILURE;
  }

  private void complain(CommandLine command, String message, Exception e) {
    PrintWriter err = command.getErr();
    err.println(name(command) + ": " + message.strip().replaceAll("\\s*\\R\\s*", " "));
    if (verbose) {
      e.printStackTrace(err);
    }
    err.flush();
  }

  private static String name(CommandLine command) {
    return command.getCommandSpec().qualifiedName();
  }
}
