package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.models.ExecutionProvider;
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

/** The guard over real methods and the builtin model: harm is kept out, gain is not. */
class GuardedRunTest {
  private static final DataSpec DATA = new DataSpec.Builtin(640);
  private static final int WINDOW = 1000;

  @TempDir private Path folder;

  private Trial run(String yaml, int batchSize, String... methods) {
    try {
      Path file = Files.writeString(folder.resolve("stream.yaml"), yaml);
      DomainStream stream =
          DomainStream.of(
              Scenario.read(file.toString()),
              DomainKinds.of(DATA),
              BuiltinModel.preprocessing(),
              0);
      try (Simulation simulation =
          new Simulation(
              BuiltinModel.load(),
              BuiltinModel.preprocessing(),
              new SimulationOptions(
                  List.of(methods),
                  new SessionSettings(ExecutionProvider.CPU, 1),
                  null,
                  GuardPolicy.DEFAULT,
                  SimulationOptions.DEFAULT_LABEL_DELAY),
              () -> DATA.load(Split.TRAIN))) {
        return simulation.run(stream, "scenario", "test", batchSize, 0, SimulationProgress.NONE);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static double worst(Trial trial, int method) {
    return StreamMetrics.risk(
            trial.log(), trial.runs().get(method).answers(), trial.frozen().answers(), WINDOW)
        .rate();
  }

  private static double errorRate(Trial trial, int method) {
    return StreamMetrics.of(
            trial.log(), trial.runs().get(method).answers(), trial.frozen().answers())
        .errorRate();
  }

  @Test
  void keepsOutTheHarmOfBreakdowns() {
    Trial trial =
        run(
            """
            segments:
              - {name: well, order: iid, samples: 256}
              - {name: one class, classes: [3], order: iid, samples: 512}
              - {name: black, domain: blackout, order: iid, samples: 128}
              - {name: stuck, stuck: true, order: iid, samples: 192}
              - {name: sorted, order: sorted, samples: 512}
              - {name: well, order: iid, samples: 256}
            """,
            64,
            "tbn",
            "ema");

    for (int m = 0; m < trial.runs().size(); m += 2) {
      String method = trial.runs().get(m).method();
      assertThat(trial.runs().get(m + 1).method()).isEqualTo(method + " guarded");
      assertThat(worst(trial, m)).as("harm of %s", method).isGreaterThan(0.05);
      assertThat(worst(trial, m + 1)).as("harm of guarded %s", method).isLessThan(0.02);
    }
  }

  @Test
  void keepsOutTheHarmOfBatchStatisticsOfSingleSamples() {
    Trial trial = run("segments: [{order: iid, samples: 128}]", 1, "tbn");

    assertThat(worst(trial, 0)).isGreaterThan(0.2);
    assertThat(worst(trial, 1)).isLessThan(0.02);
  }

  /** Its answers grow sure while they go wrong, so that confidence speaks for them. */
  @Test
  void keepsOutTheHarmOfLearningToBeSure() {
    Trial trial =
        run(
            """
            segments:
              - {domain: gaussian_noise, order: dirichlet, samples: 640}
              - {domain: contrast, order: dirichlet, samples: 640}
            """,
            64,
            "unmix-tns+tent[learning-rate=0.01]",
            "tent[optimizer=sgd;learning-rate=1]");

    for (int m = 0; m < trial.runs().size(); m += 2) {
      String method = trial.runs().get(m).method();
      assertThat(worst(trial, m)).as("harm of %s", method).isGreaterThan(0.1);
      assertThat(worst(trial, m + 1)).as("harm of guarded %s", method).isLessThan(0.02);
    }
  }

  @Test
  void leavesTheGainOfBenignStreams() {
    Trial trial = run("segments: [{domain: contrast, order: iid, samples: 640}]", 64, "tbn", "ema");

    double frozen =
        StreamMetrics.of(trial.log(), trial.frozen().answers(), trial.frozen().answers())
            .errorRate();
    for (int m = 0; m < trial.runs().size(); m += 2) {
      double gain = frozen - errorRate(trial, m);
      assertThat(gain).isGreaterThan(0.1);
      assertThat(frozen - errorRate(trial, m + 1)).isGreaterThan(0.75 * gain);
    }
  }
}
