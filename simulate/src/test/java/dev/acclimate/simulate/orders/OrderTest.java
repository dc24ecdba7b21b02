package dev.acclimate.simulate.orders;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class OrderTest {

  @Property(tries = 300)
  void everySampleComesExactlyOnce(
      @ForAll Order order,
      @ForAll @Size(max = 300) @IntRange(max = 12) int[] labels,
      @ForAll @DoubleRange(min = 1e-4, max = 1e4) @Scale(4) double delta,
      @ForAll long seed) {
    int[] arranged = order.arrange(labels, delta, seed);

    assertThat(Arrays.stream(arranged).sorted())
        .containsExactlyElementsOf(IntStream.range(0, labels.length).boxed().toList());
  }

  @Property(tries = 50)
  void theSeedDecides(@ForAll Order order, @ForAll long seed) {
    int[] labels = tenClasses(500);

    int[] first = order.arrange(labels, 0.1, seed);
    int[] again = order.arrange(labels, 0.1, seed);

    assertThat(again).isEqualTo(first);
  }

  @Test
  void smallerDeltasMakeLongerBursts() {
    int[] labels = tenClasses(10_000);

    int even = blocks(labels, Order.DIRICHLET.arrange(labels, 1000, 1));
    int published = blocks(labels, Order.DIRICHLET.arrange(labels, 0.1, 1));
    int extreme = blocks(labels, Order.DIRICHLET.arrange(labels, 0.001, 1));

    // 156 slots of ten blocks at most; one block a class at least
    assertThat(even).isBetween(1400, 1560);
    assertThat(published).isBetween(200, 800);
    assertThat(extreme).isBetween(10, 40);
  }

  @Test
  void iidMixesClasses() {
    int[] labels = tenClasses(10_000);
    Arrays.sort(labels);

    assertThat(blocks(labels, Order.IID.arrange(labels, 0, 1))).isBetween(8800, 9200);
  }

  @Test
  void sortedKeepsTheOrderOfTheDataWithinAClass() {
    assertThat(Order.SORTED.arrange(new int[] {2, 0, 2, 1, 0}, 0, 1))
        .containsExactly(1, 4, 3, 0, 2);
    assertThat(Order.AS_IS.arrange(new int[] {2, 0, 2}, 0, 1)).containsExactly(0, 1, 2);
  }

  @Test
  void proportionsHaveTheMomentsOfADirichlet() {
    SeededRandom random = SeededRandom.of(5);
    for (double delta : new double[] {0.01, 0.1, 1, 3}) {
      int draws = 20_000;
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < draws; i++) {
        double[] proportions = DirichletOrder.dirichlet(10, delta, random);
        assertThat(Arrays.stream(proportions).sum()).isCloseTo(1, within(1e-9));
        sum += proportions[3];
        squares += proportions[3] * proportions[3];
      }
      double mean = sum / draws;
      // of a symmetric Dirichlet over k: (k - 1) / (k^2 (k delta + 1))
      double variance = 9 / (100 * (10 * delta + 1));
      assertThat(mean).isCloseTo(0.1, within(0.01));
      assertThat(squares / draws - mean * mean).isCloseTo(variance, within(0.05 * variance));
    }
  }

  @Test
  void refusesADeltaThatIsNotPositive() {
    for (double delta : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> Order.DIRICHLET.arrange(new int[] {0}, delta, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("delta: expected a number above 0, found " + delta);
    }
  }

  @Test
  void listsTheOrders() {
    assertThat(Order.parse("as-is")).isEqualTo(Order.AS_IS);
    assertThatThrownBy(() -> Order.parse("shuffled"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("order: expected one of iid, dirichlet, sorted, as-is, found \"shuffled\"");
  }

  private static int[] tenClasses(int count) {
    return IntStream.range(0, count).map(i -> i % 10).toArray();
  }

  /** Runs of one class. */
  private static int blocks(int[] labels, int[] order) {
    int blocks = 1;
    for (int i = 1; i < order.length; i++) {
      if (labels[order[i]] != labels[order[i - 1]]) {
        blocks++;
      }
    }
    return blocks;
  }
}
