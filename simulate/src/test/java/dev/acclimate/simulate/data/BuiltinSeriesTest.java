package dev.acclimate.simulate.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BuiltinSeriesTest {

  @Test
  void aLongerSetBeginsWithTheShorterOne() {
    ImageSet few = BuiltinSeries.test(20, 3);
    ImageSet many = BuiltinSeries.test(200, 3);

    for (int i = 0; i < few.size(); i++) {
      assertThat(window(many, i)).isEqualTo(window(few, i));
      assertThat(many.label(i)).isEqualTo(few.label(i));
    }
  }

  @Test
  void splitsAndSeedsDiffer() {
    float[] test = window(BuiltinSeries.test(1, 3), 0);

    assertThat(window(BuiltinSeries.train(1, 3), 0)).isNotEqualTo(test);
    assertThat(window(BuiltinSeries.test(1, 4), 0)).isNotEqualTo(test);
  }

  @Test
  void measuresGravityAndVibrationInClassesOfEqualSize() {
    ImageSet series = BuiltinSeries.test(3000, 0);
    int[] perClass = new int[BuiltinSeries.CLASSES.size()];
    for (int label : series.labels()) {
      perClass[label]++;
    }

    assertThat(series.shape()).hasToString("[3, 1, 128]");
    assertThat(series.values()).isEqualTo(Values.MEASUREMENTS);
    assertThat(series.statistics().means().get(Vibration.VERTICAL)).isCloseTo(9.8, within(0.05));
    assertThat(series.statistics().means().get(Vibration.AXIAL)).isCloseTo(0, within(0.05));
    assertThat(series.statistics().deviations()).allMatch(d -> d > 0.5 && d < 1);
    assertThat(Arrays.stream(perClass)).allMatch(n -> n > 420 && n < 580);
  }

  private static float[] window(ImageSet series, int index) {
    float[] window = new float[series.shape().size()];
    series.read(index, window);
    return window;
  }
}
