package dev.acclimate.streams.feedback;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShadowModelTest {
  private static final Predictions PREDICTIONS =
      Predictions.of(
          List.of(
              PredictionsTest.output(
                  "y", ElementType.FP32, Dimension.symbolic("batch"), Dimension.fixed(2))));

  private final Metrics metrics = new Metrics();
  private final Map<String, Tensor> batch =
      Map.of("x", Tensor.of(new float[] {1, 0, 0, 1, 0, 1}, 3, 2));
  private int runs;

  /** Gives back its input as scores. */
  private Map<String, Tensor> echo(Map<String, Tensor> inputs) {
    runs++;
    return Map.of("y", inputs.get("x"));
  }

  private ShadowModel shadow(double fraction, FrozenModel model) {
    return new ShadowModel(model, fraction, PREDICTIONS, metrics.meters);
  }

  private List<Integer> shadowed(double fraction, int batches) {
    ShadowModel shadow = shadow(fraction, this::echo);
    List<Integer> asked = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      if (shadow.answer(batch) != null) {
        asked.add(i);
      }
    }
    return asked;
  }

  @Test
  void answersWithTheFrozenModelsClasses() {
    assertThat(shadow(1, this::echo).answer(batch)).containsExactly(0, 1, 1);
    assertThat(metrics.registry.get("acclimate.shadow.time").timer().count()).isEqualTo(1);
  }

  @Test
  void asksTheFrozenModelOnAnEvenPartOfTheBatches() {
    assertThat(shadowed(0.25, 12)).containsExactly(0, 4, 8);
    assertThat(runs).isEqualTo(3);
    assertThat(shadowed(0.5, 5)).containsExactly(0, 2, 4);
    assertThat(shadowed(1, 3)).containsExactly(0, 1, 2);
    assertThat(shadowed(0, 100)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"0.1, 1000", "0.4, 4000", "0.9, 9000", "0.003, 30"})
  void keepsToTheFractionInTheLongRun(double fraction, int expected) {
    assertThat(shadowed(fraction, 10_000)).hasSizeBetween(expected, expected + 1);
  }

  @Test
  void aFailureIsCountedAndHarmsNothing() {
    ShadowModel shadow =
        shadow(
            1,
            inputs -> {
              if (runs == 0) {
                runs++;
                throw new IllegalStateException("out of device memory, say");
              }
              return echo(inputs);
            });

    assertThat(shadow.answer(batch)).isNull();
    assertThat(shadow.answer(batch)).containsExactly(0, 1, 1);
    assertThat(metrics.count("acclimate.shadow.failures")).isEqualTo(1);
  }
}
