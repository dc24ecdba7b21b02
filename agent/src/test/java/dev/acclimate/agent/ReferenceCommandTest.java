package dev.acclimate.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class ReferenceCommandTest {

  /** To renew it: {@code java -jar agent/target/acclimate.jar reference > agent/reference.md}. */
  @Test
  void committedReferenceIsWhatTheDeclarationsGive() throws IOException {
    StringWriter out = new StringWriter();
    CommandLine line = Acclimate.commandLine().setOut(new PrintWriter(out));

    assertThat(line.execute("reference")).isZero();
    assertThat(Path.of("reference.md")).hasContent(out.toString());
    assertThat(Files.readString(Path.of("reference.md")))
        .contains(
            "| `http.port` | whole number, 0 to 65535 | `8080` |",
            "| `ACCLIMATE_KAFKA_TOPICS_DEAD_LETTER` |",
            "| `ACCLIMATE_KAFKA_PROPERTIES_...` |");
  }
}
