package dev.acclimate.simulate.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeededRandomTest {

  @Test
  void neighbouringPathsGiveOtherNumbers() {
    Set<Long> first = new HashSet<>();
    for (int a = 0; a < 50; a++) {
      for (int b = 0; b < 50; b++) {
        first.add(SeededRandom.of(a, b).nextLong());
      }
    }
    assertThat(first).hasSize(2500);
  }

  @Test
  void gaussiansAreStandard() {
    SeededRandom random = SeededRandom.of(1);
    int count = 200_000;
    double sum = 0;
    double squares = 0;
    double fourth = 0;
    for (int i = 0; i < count; i++) {
      double x = random.nextGaussian();
      sum += x;
      squares += x * x;
      fourth += x * x * x * x;
    }
    assertThat(sum / count).isCloseTo(0, within(0.01));
    assertThat(squares / count).isCloseTo(1, within(0.02));
    assertThat(fourth / count).isCloseTo(3, within(0.1));
  }

  @Test
  void shufflesEveryElementEverywhere() {
    int[][] seen = new int[4][4];
    for (int i = 0; i < 8000; i++) {
      int[] values = {0, 1, 2, 3};
      SeededRandom.of(7, i).shuffle(values);
      for (int at = 0; at < 4; at++) {
        seen[at][values[at]]++;
      }
    }
    for (int[] row : seen) {
      assertThat(Arrays.stream(row)).allMatch(n -> n > 1800 && n < 2200);
    }
  }
}
