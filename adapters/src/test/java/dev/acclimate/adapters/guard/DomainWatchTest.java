package dev.acclimate.adapters.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a {@link DomainWatch} takes samples for those of another domain. */
class DomainWatchTest {
  private static final int SAMPLES = 64;

  private final DomainWatch watch = new DomainWatch();
  private final SplittableRandom random = new SplittableRandom(1);
  private final Tensor batch = Tensor.allocate(ElementType.FP32, SAMPLES, 3, 8, 8);

  @AfterEach
  void close() {
    batch.close();
  }

  /** Samples whose own brightness and contrast vary, as those of images do. */
  private Tensor samples(double brightness, double contrast) {
    FloatBuffer values = batch.floats();
    int size = values.limit() / SAMPLES;
    for (int i = 0; i < SAMPLES; i++) {
      double mean = brightness + 0.5 * random.nextGaussian();
      double deviation = contrast * (0.8 + 0.4 * random.nextDouble());
      for (int at = 0; at < size; at++) {
        values.put((float) (mean + deviation * random.nextGaussian()));
      }
    }
    return batch;
  }

  private void learn() {
    for (int i = 0; i < 4; i++) {
      assertThat(watch.isLeftBy(samples(0, 1))).isFalse();
    }
  }

  @Test
  void samplesOfTheDomainAreNone() {
    learn();
    for (int i = 0; i < 50; i++) {
      assertThat(watch.isLeftBy(samples(0, 1))).isFalse();
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "-1, 1", "0, 0.5", "0, 1.5"})
  void anotherLightOrContrastIs(double brightness, double contrast) {
    learn();

    assertThat(watch.isLeftBy(samples(brightness, contrast))).isTrue();
    for (int i = 0; i < 10; i++) { // it is the domain from now on
      assertThat(watch.isLeftBy(samples(brightness, contrast))).isFalse();
    }
    assertThat(watch.isLeftBy(samples(0, 1))).isTrue();
  }

  @Test
  void thereIsNoneBeforeOneIsKnown() {
    assertThat(watch.isLeftBy(samples(0, 1))).isFalse();
    assertThat(watch.isLeftBy(samples(9, 9))).isFalse();

    watch.clear();
    learn();
    watch.clear();
    assertThat(watch.isLeftBy(samples(9, 9))).isFalse();
  }

  @Test
  void whatHasNoBrightnessIsNotWatched() {
    try (Tensor words = Tensor.allocate(ElementType.INT64, SAMPLES, 5)) {
      for (int i = 0; i < 9; i++) {
        assertThat(watch.isLeftBy(words)).isFalse();
      }
    }
  }
}
