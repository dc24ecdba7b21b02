package dev.acclimate.agent;

import dev.acclimate.agent.config.Reference;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the reference of the agent's configuration. */
@Command(
    name = "reference",
    description = "Prints all keys of the agent's configuration with their variables, as Markdown.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate reference > reference.md"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class ReferenceCommand implements Runnable {
  private static final String KEYS = "KEYS\n";

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().getOut().print(text());
    spec.commandLine().getOut().flush();
  }

  /** The whole document: what is written by hand around what the declarations give. */
  static String text() {
    try (InputStream frame =
        Objects.requireNonNull(ReferenceCommand.class.getResourceAsStream("/reference.md"))) {
      return new String(frame.readAllBytes(), StandardCharsets.UTF_8)
          .replace(KEYS, Reference.of(AgentKeys.KEYS));
    } catch (IOException e) {
      throw new IllegalStateException("reading from the class path", e);
    }
  }
}
