package dev.acclimate.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.agent.broker.EmbeddedBroker;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a stream costs an agent that has ten thousand of them, with states of 8 KiB. Not part of the
 * build, whose tests end in {@code Test}:
 *
 * <pre>{@code
 * mvn -q verify -pl tests -am -Dtest=ManyStreamsBenchmark -Dsurefire.failIfNoSpecifiedTests=false
 * }</pre>
 */
class ManyStreamsBenchmark {
  private static final int VISITS = 3;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"10000, 16MiB, 600", "10000, 256MiB, 700"})
  void streamsCostTheirStateOrNextToNothing(int streams, String memory, int processMegabytes)
      throws IOException, InterruptedException {
    ManyStreams.Result result;
    try (EmbeddedBroker broker = EmbeddedBroker.start()) {
      result = new ManyStreams(broker, folder, streams, memory).run(VISITS);
    }

    System.out.println(streams + " streams, " + memory + " for their states");
    result.log().forEach(System.out::println);
    assertThat(result.answered()).isEqualTo(streams * ManyStreams.BATCH * VISITS);
    assertThat(result.repeated()).isZero();
    assertThat(result.wrong()).isZero();
    assertThat(result.processBytes()).isLessThan(processMegabytes * 1_000_000L);
  }
}
