package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Shifts of inputs whose statistics are known exactly. */
class ShiftMeterTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final float[] MEAN = {5, -2, 0.5f};
  private static final float[] VARIANCE = {4, 0.25f, 1};

  private final OneSiteModel model =
      OneSiteModel.of(
          new float[] {1, 2, 3}, new float[3], MEAN, VARIANCE, 0, new long[] {2}, -1, 17, false);

  /** Two samples whose values lie {@code scale} source deviations around a moved mean. */
  private static Tensor samples(float moved, float scale) {
    float[] values = new float[2 * 3 * 2];
    for (int b = 0; b < 2; b++) {
      for (int c = 0; c < 3; c++) {
        float deviation = (float) Math.sqrt(VARIANCE[c]);
        for (int s = 0; s < 2; s++) {
          // all of the variance lies within samples in one channel, between them in another
          int side = c == 1 ? b : s;
          values[(b * 3 + c) * 2 + s] =
              MEAN[c] + deviation * (moved + (side == 0 ? scale : -scale));
        }
      }
    }
    return Tensor.of(values, 2, 3, 2);
  }

  private double shift(float moved, float scale) {
    try (ShiftMeter meter = ShiftMeter.open(model.model(), ONE_THREAD);
        Tensor batch = samples(moved, scale)) {
      meter.add(Map.of("x", batch));
      double[] shifts = meter.shifts();
      assertThat(shifts).hasSize(1);
      return shifts[0];
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 0", // the source itself
    "2, 1, 2", // two deviations further
    "-2, 1, 2",
    "0, 3, 2", // three times as wide
    "0, 0, 1", // all alike
    "3, 5, 5" // sqrt(9 + 16)
  })
  void countsInDeviationsOfTheSource(float moved, float scale, double expected) {
    assertThat(shift(moved, scale)).isEqualTo(expected, within(1e-5));
  }

  @Test
  void takesBatchesTogetherUntilCleared() {
    try (ShiftMeter meter = ShiftMeter.open(model.model(), ONE_THREAD);
        Tensor left = samples(-3, 1);
        Tensor right = samples(3, 1)) {
      meter.add(Map.of("x", left));
      meter.add(Map.of("x", right));
      // the mean is the source's, the variance 1 + 9 times the source's
      assertThat(meter.shifts()[0]).isEqualTo(Math.sqrt(10) - 1, within(1e-5));

      meter.clear();
      meter.add(Map.of("x", right));
      assertThat(meter.shifts()[0]).isEqualTo(3, within(1e-5));
    }
  }

  @Test
  void hasNothingToSayBeforeTheFirstSample() {
    try (ShiftMeter meter = ShiftMeter.open(model.model(), ONE_THREAD)) {
      assertThatThrownBy(meter::shifts).hasMessage("no sample measured");
    }
  }
}
