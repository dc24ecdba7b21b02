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

class SampleOrderTest {

  @Property(tries = 300)
  void everySampleComesExactlyOnce(
      @ForAll Order order,
      @ForAll @Size(max = 300) @IntRange(max = 12) int[] labels,
      @ForAll @DoubleRange(min = 1e-4, max = 1e4) @Scale(4) double delta,
      @ForAll @DoubleRange(min = 0, max = 1) double stay,
      @ForAll long seed) {
    int[] arranged = new SampleOrder(order, delta, stay, 1).arrange(labels, seed, seed);

    assertThat(Arrays.stream(arranged).sorted())
        .containsExactlyElementsOf(IntStream.range(0, labels.length).boxed().toList());
  }

  @Property(tries = 50)
  void theSeedDecides(@ForAll Order order, @ForAll long seed) {
    int[] labels = tenClasses(500);
    SampleOrder wanted = new SampleOrder(order, 0.1, 0.9, 10);

    int[] first = wanted.arrange(labels, seed, seed + 1);
    int[] again = wanted.arrange(labels, seed, seed + 1);

    assertThat(again).isEqualTo(first);
  }

  @Property(tries = 100)
  void classesFallExponentiallyFromAllToOneInTheImbalance(
      @ForAll Order order,
      @ForAll @IntRange(min = 2, max = 12) int classes,
      @ForAll @DoubleRange(min = 1, max = 100) double imbalance,
      @ForAll long seed) {
    int each = 200;
    int[] labels = IntStream.range(0, classes * each).map(i -> i % classes).toArray();

    int[] arranged = new SampleOrder(order, 0.1, 0.95, imbalance).arrange(labels, seed, 1);

    assertThat(arranged).doesNotHaveDuplicates();
    int[] counts = new int[classes];
    Arrays.stream(arranged).forEach(i -> counts[labels[i]]++);
    Arrays.sort(counts);
    for (int rank = 0; rank < classes; rank++) {
      double expected = each / Math.pow(imbalance, rank / (classes - 1.0));
      assertThat((double) counts[classes - 1 - rank]).isCloseTo(expected, within(0.51));
    }
  }

  @Test
  void theSeedDrawsWhichClassesAreRare() {
    int[] labels = tenClasses(1000);
    SampleOrder longTail = new SampleOrder(Order.AS_IS, 0.1, 0.95, 100);

    long rarest =
        IntStream.range(0, 100).map(seed -> rarest(labels, longTail, seed)).distinct().count();

    assertThat(rarest).isEqualTo(10);
  }

  private static int rarest(int[] labels, SampleOrder order, long seed) {
    int[] counts = new int[10];
    Arrays.stream(order.arrange(labels, seed, 1)).forEach(i -> counts[labels[i]]++);
    return IntStream.range(0, 10).filter(c -> counts[c] == 1).findFirst().orElseThrow();
  }

  @Test
  void theNextLabelEqualsTheLastWithTheProbabilityAskedFor() {
    int[] labels = tenClasses(10_000);
    for (double stay : new double[] {0, 0.5, 0.95}) {
      int changes =
          blocks(labels, new SampleOrder(Order.MARKOV, 0.1, stay, 1).arrange(labels, 0, 1));

      // classes run out only near the end; five standard deviations and what that takes
      double expected = 10_000 * (1 - stay);
      double spread = Math.sqrt(10_000 * stay * (1 - stay));
      assertThat((double) changes).isCloseTo(expected, within(5 * spread + 50));
    }
  }

  @Test
  void aChainThatAlwaysStaysGoesClassByClass() {
    int[] labels = tenClasses(1000);

    assertThat(blocks(labels, new SampleOrder(Order.MARKOV, 0.1, 1, 1).arrange(labels, 0, 1)))
        .isEqualTo(10);
  }

  @Test
  void otherClassesFollowInProportionToWhatIsLeftOfThem() {
    // 9 of 10 are class 0, 1 of 20 each class 1 and 2: from 1 on to 0 about 18 times as often as to
    // 2
    int[] labels = IntStream.range(0, 20_000).map(i -> i % 20 < 18 ? 0 : i % 20 - 17).toArray();
    int[] order = new SampleOrder(Order.MARKOV, 0.1, 0.5, 1).arrange(labels, 0, 3);
    int toFrequent = 0;
    int toRare = 0;
    // the first tenth, where what is left is close to what there was
    for (int i = 1; i < 2000; i++) {
      if (labels[order[i - 1]] == 1) {
        toFrequent += labels[order[i]] == 0 ? 1 : 0;
        toRare += labels[order[i]] == 2 ? 1 : 0;
      }
    }

    assertThat(toFrequent).isGreaterThan(5 * toRare);
  }

  @Test
  void smallerDeltasMakeLongerBursts() {
    int[] labels = tenClasses(10_000);

    int even = blocks(labels, dirichlet(1000).arrange(labels, 1, 1));
    int published = blocks(labels, dirichlet(0.1).arrange(labels, 1, 1));
    int extreme = blocks(labels, dirichlet(0.001).arrange(labels, 1, 1));

    // 156 slots of ten blocks at most; one block a class at least
    assertThat(even).isBetween(1400, 1560);
    assertThat(published).isBetween(200, 800);
    assertThat(extreme).isBetween(10, 40);
  }

  private static SampleOrder dirichlet(double delta) {
    return new SampleOrder(Order.DIRICHLET, delta, 0.95, 1);
  }

  @Test
  void iidMixesClasses() {
    int[] labels = tenClasses(10_000);
    Arrays.sort(labels);

    assertThat(blocks(labels, SampleOrder.of(Order.IID).arrange(labels, 1, 1)))
        .isBetween(8800, 9200);
  }

  @Test
  void sortedKeepsTheOrderOfTheDataWithinAClass() {
    assertThat(SampleOrder.of(Order.SORTED).arrange(new int[] {2, 0, 2, 1, 0}, 1, 1))
        .containsExactly(1, 4, 3, 0, 2);
    assertThat(SampleOrder.of(Order.AS_IS).arrange(new int[] {2, 0, 2}, 1, 1))
        .containsExactly(0, 1, 2);
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
      assertThatThrownBy(() -> dirichlet(delta))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("delta: expected a number above 0, found " + delta);
    }
  }

  @Test
  void refusesWhatIsNoProbabilityOrImbalance() {
    for (double stay : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> new SampleOrder(Order.MARKOV, 0.1, stay, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("stay: expected a probability, 0 to 1, found " + stay);
    }
    for (double imbalance : new double[] {0.5, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new SampleOrder(Order.IID, 0.1, 0.95, imbalance))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("imbalance: expected a number of at least 1, found " + imbalance);
    }
  }

  @Test
  void listsTheOrders() {
    assertThat(Order.parse("as-is")).isEqualTo(Order.AS_IS);
    assertThatThrownBy(() -> Order.parse("shuffled"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "order: expected one of iid, dirichlet, markov, sorted, as-is, found \"shuffled\"");
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
