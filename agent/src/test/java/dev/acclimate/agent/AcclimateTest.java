package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class AcclimateTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final CommandLine line =
      Acclimate.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

  @Test
  void everyCommandHasHelpWithAnExample() {
    for (String command : line.getSubcommands().keySet()) {
      out.getBuffer().setLength(0);
      assertThat(line.execute(command, "--help")).isZero();
      assertThat(out.toString())
          .contains("Usage: acclimate " + command)
          .contains("Example: acclimate");
    }
  }

  static Stream<Arguments> badUsage() {
    return Stream.of(
        Arguments.of(new String[] {}, "acclimate: a command is missing"),
        Arguments.of(new String[] {"frobnicate"}, "acclimate: Unmatched argument"),
        Arguments.of(
            new String[] {"run"}, "acclimate run: Missing required option: '--config=FILE'"),
        Arguments.of(
            new String[] {"run", "--config", "nowhere.yaml"},
            "acclimate run: nowhere.yaml: expected a readable configuration file, found no such file"),
        Arguments.of(
            new String[] {"replay", "--config", "nowhere.yaml"},
            "acclimate replay: nowhere.yaml: expected a readable configuration file"));
  }

  @ParameterizedTest
  @MethodSource("badUsage")
  void endsWith2AndOneClearLineOnBadUsage(String[] arguments, String message) {
    int code = line.execute(arguments);

    assertThat(err.toString()).startsWith(message).hasLineCount(1);
    assertThat(out.toString()).isEmpty();
    assertThat(code).isEqualTo(2);
  }

  @Test
  void showsTheStackTraceOnlyWhenVerbose() {
    assertThat(line.execute("run", "--config", "nowhere.yaml", "--verbose")).isEqualTo(2);

    assertThat(err.toString()).contains("InvalidInputException").contains("\tat dev.acclimate");
  }

  @Test
  void namesTheConfigurationWhenTheModelIsNone(@TempDir Path folder) throws Exception {
    Path model = Files.writeString(folder.resolve("m.onnx"), "this is no model");
    Path config = folder.resolve("agent.yaml");
    Files.writeString(config, "model: '" + model + "'\nhttp: {port: 0}\n");

    int code = line.execute("run", "--config", config.toString());

    assertThat(err.toString()).startsWith("acclimate run: " + config + ": model: ").hasLineCount(1);
    assertThat(code).isEqualTo(2);
  }
}
