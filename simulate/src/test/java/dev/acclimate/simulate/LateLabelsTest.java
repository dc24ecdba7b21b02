package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.scenarios.Scenario;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Learning from labels that come late, on the shipped model and images. */
class LateLabelsTest {
  private static final DataSpec DATA = new DataSpec.Builtin(256);
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int BATCH = 16;
  private static final int SAMPLES = 256;

  /** All that is gained comes from labels. */
  private static final String FROZEN_STATISTICS = "alpha-bn[source-weight=1]";

  private static final String LEARNING = FROZEN_STATISTICS + "+supervised[labels=16;replay=16]";

  @TempDir private Path folder;

  /** Error rates of the methods over a stream of one shifted domain. */
  private List<Double> errors(int labelDelay, String... methods) {
    try {
      Path file =
          Files.writeString(
              folder.resolve("stream.yaml"),
              "segments: [{domain: contrast, order: iid, samples: %d}]".formatted(SAMPLES));
      DomainStream stream =
          DomainStream.of(
              Scenario.read(file.toString()),
              DomainKinds.of(DATA),
              BuiltinModel.preprocessing(),
              0);
      SimulationOptions options =
          new SimulationOptions(List.of(methods), ONE_THREAD, null, null, labelDelay);
      try (Simulation simulation =
          new Simulation(
              BuiltinModel.load(),
              BuiltinModel.preprocessing(),
              options,
              () -> DATA.load(Split.TRAIN))) {
        Trial trial = simulation.run(stream, "scenario", "test", BATCH, 0, SimulationProgress.NONE);
        return trial.runs().stream()
            .map(run -> StreamMetrics.of(trial.log(), run.answers(), trial.frozen().answers()))
            .map(StreamMetrics::errorRate)
            .toList();
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void labelsLowerTheErrorAndTheSoonerTheMore() {
    List<Double> soon = errors(0, FROZEN_STATISTICS, LEARNING);
    List<Double> later = errors(4, LEARNING, LEARNING + "+nap");

    assertThat(soon.get(0) - soon.get(1)).isGreaterThan(0.1);
    assertThat(later.get(0)).isBetween(soon.get(1), soon.get(0) - 0.05);
    assertThat(later.get(1)).isLessThan(soon.get(0) - 0.05);
  }

  @Test
  void labelsThatNeverComeTeachNothing() {
    List<Double> found = errors(SAMPLES / BATCH, FROZEN_STATISTICS, LEARNING);

    assertThat(found.get(1)).isEqualTo(found.get(0));
  }

  @Test
  void refusesADelayOutOfRange() {
    assertThatThrownBy(
            () -> new SimulationOptions(List.of("tbn+supervised"), ONE_THREAD, null, null, -1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("label-delay: expected 0 to 10000 batches, found -1");
  }
}
