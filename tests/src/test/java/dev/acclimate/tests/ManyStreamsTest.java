package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.agent.broker.EmbeddedBroker;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManyStreamsTest {
  private static final int STREAMS = 500;

  @TempDir private Path folder;

  /** 1 MiB holds some 120 of the states: the others wait in the journal between their batches. */
  @Test
  void streamsWhoseStatesWereParkedGoOnBitForBit() throws IOException, InterruptedException {
    ManyStreams.Result result;
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      result = new ManyStreams(broker, folder, STREAMS, "1MiB").run(2);
    }

    assertThat(result.answered()).isEqualTo(STREAMS * 2 * 2);
    assertThat(result.repeated()).isZero();
    assertThat(result.wrong()).isZero();
    assertThat(result.known()).isGreaterThanOrEqualTo(STREAMS);
    assertThat(result.resident()).isBetween(50, 130);
  }
}
