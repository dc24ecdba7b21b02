package dev.acclimate.simulate.corruptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.simulate.random.SeededRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoissonCountsTest {
  private static final int DRAWS = 200_000;

  /** A byte's value has a table; one between two bytes has none. */
  @ParameterizedTest
  @CsvSource({
    "0.2, 1",
    "0.2, 3",
    "0.2, 50",
    "0.2, 500",
    "1, 3",
    "1, 500",
    "0.301, 3",
    "0.301, 50",
    "0.301, 500"
  })
  void countsAreDistributedAsPoissonNumbers(float value, double photons) {
    PoissonCounts counts = new PoissonCounts(light -> light * photons);
    SeededRandom random = SeededRandom.of(1);
    double mean = value * photons;
    int highest = (int) (mean + 10 * Math.sqrt(mean) + 20);
    int[] seen = new int[highest + 1];
    for (int i = 0; i < DRAWS; i++) {
      seen[counts.draw(value, random)]++;
    }

    // chi square over the counts that are to be expected often enough
    double chiSquare = 0;
    int cells = 0;
    double logFactorial = 0;
    for (int count = 0; count <= highest; count++) {
      logFactorial += count > 1 ? Math.log(count) : 0;
      double expected = DRAWS * Math.exp(count * Math.log(mean) - mean - logFactorial);
      if (expected >= 20) {
        chiSquare += (seen[count] - expected) * (seen[count] - expected) / expected;
        cells++;
      }
    }
    // its mean is the number of cells; five deviations above are allowed
    assertThat(chiSquare).isLessThan(cells + 5 * Math.sqrt(2.0 * cells));
  }

  @Test
  void blackGivesNoPhotons() {
    PoissonCounts counts = new PoissonCounts(light -> light * 100);
    SeededRandom random = SeededRandom.of(1);

    for (int i = 0; i < 1000; i++) {
      assertThat(counts.draw(0, random)).isZero();
    }
  }

  @Test
  void tablesAndFormulasAgreeOnTheMean() {
    PoissonCounts counts = new PoissonCounts(light -> light * 60);
    SeededRandom random = SeededRandom.of(2);
    double table = 0;
    double formula = 0;
    for (int i = 0; i < DRAWS; i++) {
      table += counts.draw(0.6f, random) / (double) DRAWS;
      formula += counts.draw(0.601f, random) / (double) DRAWS;
    }

    assertThat(table).isCloseTo(36, within(0.1));
    assertThat(formula).isCloseTo(36.06, within(0.1));
  }
}
