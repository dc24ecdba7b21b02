package dev.acclimate.agent;

import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/** A command as it was typed, to be pasted into a shell again. */
final class CommandText {
  private CommandText() {}

  static String of(CommandSpec spec) {
    List<String> arguments = spec.root().commandLine().getParseResult().originalArgs();
    return arguments.stream()
        .map(CommandText::quoted)
        .collect(Collectors.joining(" ", "acclimate ", ""));
  }

  private static String quoted(String argument) {
    return argument.matches("[\\w.,:/=+-]+")
        ? argument
        : "'" + argument.replace("'", "'\\''") + "'";
  }
}
