package dev.acclimate.simulate.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.simulate.random.SeededRandom;
import org.junit.jupiter.api.Test;

class PairedBlocksTest {

  @Test
  void aDifferenceInEveryBlockCounts() {
    assertThat(PairedBlocks.alike(0.05, 0.06, 0.04, 0.05)).isFalse();
  }

  @Test
  void aDifferenceWithinItsOwnNoiseDoesNot() {
    assertThat(PairedBlocks.alike(0.2, -0.15, 0.18, -0.2)).isTrue();
    assertThat(PairedBlocks.alike(0, 0, 0, 0, 0)).isTrue();
  }

  @Test
  void fewBlocksTellNothingButWhichIsLower() {
    assertThat(PairedBlocks.alike(0.01, 0.01)).isFalse();
    assertThat(PairedBlocks.alike(0, 0)).isTrue();
  }

  @Test
  void equalMethodsAreToldApartAboutAsOftenAsTwoStandardErrorsAllow() {
    int apart = 0;
    for (int seed = 0; seed < 1000; seed++) {
      SeededRandom random = SeededRandom.of(seed);
      double[] differences = new double[8];
      for (int b = 0; b < differences.length; b++) {
        differences[b] = random.nextGaussian();
      }
      apart += PairedBlocks.alike(differences) ? 0 : 1;
    }
    // one-sided, Student's t with 7 degrees of freedom: 4.3 %
    assertThat(apart).isBetween(20, 70);
  }
}
