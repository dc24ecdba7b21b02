package dev.acclimate.simulate.corruptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.BuiltinSeries;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Values;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SensorDriftTest {
  private static final ImageSet SERIES = BuiltinSeries.test(200, 0);
  private static final int STEPS = SERIES.width();
  private static final int CHANNELS = SERIES.channels();
  private static final int SIZE = STEPS * CHANNELS;

  @Test
  void offsetIsOneConstantPerChannelOfTheDevice() {
    float[][] change = change(Corruption.SENSOR_OFFSET, 5, 1);

    for (int i = 0; i < SIZE; i++) {
      double deviation = SERIES.statistics().deviations().get(i / STEPS);
      assertThat(Math.abs(change[0][i])).isBetween((float) deviation, (float) (2.6 * deviation));
      assertThat(change[7][i]).isCloseTo(change[0][i - i % STEPS], within(1e-5f));
    }
  }

  @Test
  void aRisingOffsetGoesOneWay() {
    float[][] mild = change(Corruption.SENSOR_OFFSET, 1, 1);
    float[][] between = change(Corruption.SENSOR_OFFSET, 1.5, 1);
    float[][] severe = change(Corruption.SENSOR_OFFSET, 5, 1);

    for (int channel = 0; channel < CHANNELS; channel++) {
      float offset = mild[0][channel * STEPS];
      assertThat(between[0][channel * STEPS]).isCloseTo(1.5f * offset, within(1e-5f));
      assertThat(severe[0][channel * STEPS]).isCloseTo(10 * offset, within(1e-5f));
    }
  }

  @Test
  void devicesDiffer() {
    assertThat(change(Corruption.SENSOR_OFFSET, 5, 1)[0])
        .isNotEqualTo(change(Corruption.SENSOR_OFFSET, 5, 2)[0]);
  }

  @Test
  void gainIsOneFactorPerChannelAboutItsMean() {
    float[][] clean = read(SERIES);
    float[][] corrupted = corrupted(SERIES, Corruption.SENSOR_GAIN, 5, 1);

    for (int channel = 0; channel < CHANNELS; channel++) {
      double mean = SERIES.statistics().means().get(channel);
      double factor = deviation(corrupted, channel, mean) / deviation(clean, channel, mean);
      assertThat(Math.abs(Math.log(factor))).isBetween(0.45, 0.9);
      for (int sample = 0; sample < 20; sample++) {
        int i = channel * STEPS + sample;
        assertThat(corrupted[sample][i] - mean)
            .isCloseTo(factor * (clean[sample][i] - mean), within(1e-4));
      }
    }
  }

  @Test
  void noiseFloorHasItsDeviation() {
    float[][] change = change(Corruption.NOISE_FLOOR, 3, 1);

    for (int channel = 0; channel < CHANNELS; channel++) {
      double expected = 0.4 * SERIES.statistics().deviations().get(channel);
      assertThat(deviation(change, channel, 0)).isCloseTo(expected, within(0.02 * expected));
    }
  }

  @Test
  void deadChannelsHoldTheirLastValue() {
    float[][] clean = read(SERIES);
    float[][] corrupted = corrupted(SERIES, Corruption.CHANNEL_DROPOUT, 5, 1);
    int dead = 0;
    int wholly = 0;
    for (int sample = 0; sample < clean.length; sample++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        int start = channel * STEPS;
        int from = 0;
        while (from < STEPS && corrupted[sample][start + from] == clean[sample][start + from]) {
          from++;
        }
        float mean = (float) (double) SERIES.statistics().means().get(channel);
        float held = from == 0 ? mean : clean[sample][start + from - 1];
        for (int step = from; step < STEPS; step++) {
          assertThat(corrupted[sample][start + step]).isEqualTo(held);
        }
        dead += from < STEPS ? 1 : 0;
        wholly += from == 0 ? 1 : 0;
      }
    }
    assertThat(dead).isBetween(260, 340); // of 600, one in two
    assertThat(wholly).isBetween(dead / 3, 2 * dead / 3);
  }

  @Test
  void jitterKeepsTheEndsOfARampAndItsOrder() {
    float[] ramp = new float[2 * STEPS];
    for (int i = 0; i < ramp.length; i++) {
      ramp[i] = i % STEPS;
    }
    float[][] corrupted = corrupted(set(ramp, 2), Corruption.SAMPLING_JITTER, 5, 1);

    double furthest = 0;
    for (int step = 0; step < STEPS; step++) {
      // one clock for both channels
      assertThat(corrupted[0][STEPS + step]).isEqualTo(corrupted[0][step]);
      furthest = Math.max(furthest, Math.abs(corrupted[0][step] - step));
      if (step > 0) {
        assertThat(corrupted[0][step]).isGreaterThan(corrupted[0][step - 1]);
      }
    }
    assertThat(corrupted[0][0]).isEqualTo(0);
    assertThat(corrupted[0][STEPS - 1]).isCloseTo(STEPS - 1, within(1e-3f));
    assertThat(furthest).isBetween(1.0, 30.0);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"SENSOR_OFFSET", "SENSOR_GAIN", "NOISE_FLOOR", "CHANNEL_DROPOUT", "SAMPLING_JITTER"})
  void changesMoreWithSeverity(Corruption corruption) {
    // halfway between two severities lies the mean of two clocks' values, where fast swings cancel
    double step = corruption == Corruption.SAMPLING_JITTER ? 1 : 0.5;
    double before = 0;
    for (double severity = step; severity <= 5; severity += step) {
      float[][] change = change(corruption, severity, 1);
      double size = 0;
      for (int channel = 0; channel < CHANNELS; channel++) {
        size += deviation(change, channel, 0);
      }
      assertThat(size).as("severity %s", severity).isGreaterThan(before);
      before = size;
    }
  }

  /** Volts or millivolts, Celsius or Fahrenheit: the drift is the same. */
  @Property(tries = 50)
  void unitsDoNotMatter(
      @ForAll @IntRange(min = 0, max = 4) int kind,
      @ForAll @DoubleRange(min = 1, max = 5) double severity,
      @ForAll @DoubleRange(min = 0.1, max = 10) double scale,
      @ForAll @DoubleRange(min = -20, max = 20) double zero) {
    Corruption corruption = Corruption.all(Family.SENSOR).get(kind);
    ImageSet few = SERIES.head(5);
    ImageSet converted =
        few.mapped(
            (index, values) -> {
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (zero + scale * values[i]);
              }
            });

    float[][] expected = corrupted(few, corruption, severity, 3);
    float[][] found = corrupted(converted, corruption, severity, 3);

    for (int sample = 0; sample < expected.length; sample++) {
      for (int i = 0; i < SIZE; i++) {
        assertThat((found[sample][i] - zero) / scale).isCloseTo(expected[sample][i], within(2e-3));
      }
    }
  }

  @Test
  void aSampleDoesNotDependOnTheOthers() {
    for (Corruption corruption : Corruption.all(Family.SENSOR)) {
      Corrupter corrupter = Corrupter.of(new Shift(corruption, 4), SERIES, 1);
      float[] alone = new float[SIZE];
      SERIES.read(42, alone);
      corrupter.corrupt(42, alone);

      assertThat(alone).isEqualTo(corrupted(SERIES, corruption, 4, 1)[42]);
    }
  }

  @Test
  void allStandsForTheDriftOfSensors() {
    assertThat(Corruption.parseList("none,all", Family.of(Values.MEASUREMENTS)))
        .extracting(Corruption::id)
        .containsExactly(
            "none",
            "sensor_offset",
            "sensor_gain",
            "noise_floor",
            "channel_dropout",
            "sampling_jitter");
    assertThat(Corruption.parseList("all", Family.of(Values.PIXELS)))
        .isEqualTo(Corruption.PUBLISHED);
  }

  @Test
  void imagesHaveNoSensorsAndSeriesNoFog() {
    assertThatThrownBy(
            () -> Corrupter.of(new Shift(Corruption.SENSOR_OFFSET, 1), BuiltinImages.test(1, 0), 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("corruptions: sensor_offset is not defined on builtin, which holds pixels");
    assertThatThrownBy(() -> Corrupter.of(new Shift(Corruption.FOG, 1), SERIES, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("corruptions: fog is not defined on builtin-series, which holds measurements");
  }

  private static ImageSet set(float[] values, int channels) {
    return ImageSet.ofFloats(
        "one",
        new ImageShape(channels, 1, values.length / channels),
        List.of("a"),
        new float[][] {values},
        new int[] {0},
        Values.MEASUREMENTS);
  }

  private static float[][] read(ImageSet set) {
    float[][] samples = new float[set.size()][set.shape().size()];
    for (int i = 0; i < samples.length; i++) {
      set.read(i, samples[i]);
    }
    return samples;
  }

  private static float[][] corrupted(
      ImageSet set, Corruption corruption, double severity, long seed) {
    return read(set.mapped(Corrupter.of(new Shift(corruption, severity), set, seed)::corrupt));
  }

  private static float[][] change(Corruption corruption, double severity, long seed) {
    float[][] clean = read(SERIES);
    float[][] change = corrupted(SERIES, corruption, severity, seed);
    for (int sample = 0; sample < clean.length; sample++) {
      for (int i = 0; i < SIZE; i++) {
        change[sample][i] -= clean[sample][i];
      }
    }
    return change;
  }

  /** Root mean square of a channel's distance from {@code centre}. */
  private static double deviation(float[][] samples, int channel, double centre) {
    double squares = 0;
    for (float[] sample : samples) {
      for (int i = channel * STEPS; i < (channel + 1) * STEPS; i++) {
        squares += (sample[i] - centre) * (sample[i] - centre);
      }
    }
    return Math.sqrt(squares / samples.length / STEPS);
  }
}
