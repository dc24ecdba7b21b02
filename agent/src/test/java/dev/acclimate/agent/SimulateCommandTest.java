package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulateCommandTest {
  @TempDir private Path folder;

  private JsonNode results(String... more) throws IOException {
    String[] arguments = {"simulate", "--methods", "source", "--out", folder.toString()};
    String[] all =
        Stream.concat(Arrays.stream(arguments), Arrays.stream(more)).toArray(String[]::new);
    int code =
        Acclimate.commandLine()
            .setOut(new PrintWriter(new StringWriter()))
            .setErr(new PrintWriter(new StringWriter()))
            .execute(all);
    assertThat(code).isZero();
    return new ObjectMapper().readTree(Files.readString(folder.resolve("results.json")));
  }

  @Test
  void whatIsListedTwiceRunsOnceAndIsNoSecondSeed() throws IOException {
    JsonNode results =
        results("--data", "builtin:8", "--batch-size", "4,8,4", "--order", "iid,iid");

    assertThat(results.get("runs")).hasSize(2);
    assertThat(results.get("summary")).hasSize(2);
    assertThat(results.get("summary").get(0).get("seeds").intValue()).isEqualTo(1);
  }

  @Test
  void theCommandCanBePastedIntoAShell() throws IOException {
    Path file = folder.resolve("it's.yaml");
    Files.writeString(file, "segments: [{samples: 4}]");

    JsonNode results = results("--data", "builtin:8", "--scenario", file.toString());

    assertThat(results.get("provenance").get("command").textValue())
        .endsWith(" --scenario '" + folder + "/it'\\''s.yaml'");
  }
}
