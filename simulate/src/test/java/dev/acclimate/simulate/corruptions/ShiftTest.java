package dev.acclimate.simulate.corruptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ShiftTest {

  private static final ImageSet IMAGES = BuiltinImages.test(8, 0);
  private static final ImageShape SHAPE = IMAGES.shape();

  @ParameterizedTest
  @EnumSource
  void severityZeroLeavesImagesUntouched(Corruption corruption) {
    assertThat(corrupted(new Shift(corruption, 0), 1)).isEqualTo(image(1));
  }

  /** Mixtures of bytes are cut down to bytes: at most one step, and rounding, from the mixture. */
  @Property(tries = 60)
  void liesBetweenTheWholeSeveritiesAround(
      @ForAll @IntRange(min = 1, max = 4) int floor,
      @ForAll @DoubleRange(min = 0.01, max = 0.99) double fraction) {
    // these draw nothing
    for (Corruption corruption :
        List.of(Corruption.BRIGHTNESS, Corruption.CONTRAST, Corruption.DEFOCUS_BLUR)) {
      float[] below = corrupted(new Shift(corruption, floor), 2);
      float[] above = corrupted(new Shift(corruption, floor + 1), 2);
      float[] between = corrupted(new Shift(corruption, floor + fraction), 2);

      for (int i = 0; i < between.length; i++) {
        double mixed = (1 - fraction) * below[i] + fraction * above[i];
        assertThat(between[i]).isCloseTo((float) mixed, within(1.01f / 255));
      }
    }
  }

  @Property(tries = 30)
  void mixesWithTheUntouchedImageBelowOne(
      @ForAll @DoubleRange(min = 0.01, max = 0.99) double severity) {
    float[] clean = image(3);
    // the random path is that of severity 1
    float[] mild = corrupted(new Shift(Corruption.FOG, 1), 3);
    float[] between = corrupted(new Shift(Corruption.FOG, severity), 3);

    for (int i = 0; i < between.length; i++) {
      double mixed = (1 - severity) * clean[i] + severity * mild[i];
      assertThat(between[i]).isCloseTo((float) mixed, within(1.01f / 255));
    }
  }

  @Test
  void noiseDoesNotAverageOutHalfWay() {
    float[] image = new float[SHAPE.size()];
    Arrays.fill(image, 0.5f);
    Corrupter.of(new Shift(Corruption.GAUSSIAN_NOISE, 2.5), SHAPE, 1).corrupt(0, image);

    double squares = 0;
    for (float value : image) {
      squares += Math.pow(value - 0.498, 2);
    }
    // between 0.06 and 0.08; independent noises would leave 0.05
    assertThat(Math.sqrt(squares / image.length)).isCloseTo(0.07, within(0.003));
  }

  @ParameterizedTest
  @MethodSource("dev.acclimate.simulate.corruptions.CorrupterTest#ofImages")
  void approachesTheNextSeverityWithoutAStep(Corruption corruption) {
    float[] clean = image(4);
    float[] before = corrupted(new Shift(corruption, 1), 4);
    float[] after = corrupted(new Shift(corruption, 1 + 1e-6), 4);
    float[] hardlyAny = corrupted(new Shift(corruption, 1e-6), 4);

    for (int i = 0; i < clean.length; i++) {
      assertThat(after[i]).isCloseTo(before[i], within(1.01f / 255));
      assertThat(hardlyAny[i]).isCloseTo(clean[i], within(1.01f / 255));
    }
  }

  @Test
  void chainsApplyInTheirOrder() {
    List<Shift> chain =
        List.of(
            new Shift(Corruption.CONTRAST, 4),
            Shift.NONE,
            new Shift(Corruption.GAUSSIAN_NOISE, 2.25));
    float[] inOneGo = image(5);
    Corrupter.of(chain, SHAPE, 7).corrupt(5, inOneGo);

    float[] inTurn = image(5);
    for (Shift shift : chain) {
      Corrupter.of(shift, SHAPE, 7).corrupt(5, inTurn);
    }
    assertThat(inOneGo).isEqualTo(inTurn);

    float[] otherOrder = image(5);
    Corrupter.of(List.of(chain.get(2), chain.get(0)), SHAPE, 7).corrupt(5, otherOrder);
    assertThat(otherOrder).isNotEqualTo(inOneGo);
  }

  @Test
  void theSameNoiseTwiceDrawsAnew() {
    Shift noise = new Shift(Corruption.GAUSSIAN_NOISE, 1);
    float[] image = new float[SHAPE.size()];
    Arrays.fill(image, 0.5f);
    Corrupter.of(List.of(noise, noise), SHAPE, 1).corrupt(0, image);

    double squares = 0;
    for (float value : image) {
      squares += Math.pow(value - 0.496, 2);
    }
    // the same draws once more would make it 0.08
    assertThat(Math.sqrt(squares / image.length)).isCloseTo(0.04 * Math.sqrt(2), within(0.003));
  }

  @Test
  void namesTellTheSeverity() {
    assertThat(new Shift(Corruption.FOG, 5)).hasToString("fog-5");
    assertThat(new Shift(Corruption.FOG, 2.5)).hasToString("fog-2.5");
    assertThat(Shift.NONE).hasToString("none");
  }

  private static float[] corrupted(Shift shift, int sample) {
    float[] image = image(sample);
    Corrupter.of(shift, SHAPE, 1).corrupt(sample, image);
    return image;
  }

  private static float[] image(int sample) {
    float[] image = new float[SHAPE.size()];
    IMAGES.read(sample, image);
    return image;
  }
}
