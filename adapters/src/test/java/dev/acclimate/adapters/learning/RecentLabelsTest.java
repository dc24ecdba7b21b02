package dev.acclimate.adapters.learning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.adapters.learning.RecentLabels.Labelled;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RecentLabelsTest {

  /** Numbers from 0, every tenth of class 1 and the others of class 0. */
  private static RecentLabels<Integer> holding(int from, int to, int capacity) {
    RecentLabels<Integer> recent = new RecentLabels<>(capacity);
    for (int i = from; i < to; i++) {
      recent.add(i, i % 10 == 0 ? 1 : 0);
    }
    return recent;
  }

  @Test
  void keepsTheLastOnes() {
    List<Labelled<Integer>> all = holding(0, 100, 30).draw(50, 1);

    assertThat(all.stream().map(Labelled::sample).sorted())
        .containsExactlyElementsOf(java.util.stream.IntStream.range(70, 100).boxed().toList());
  }

  @Test
  void drawsEqualPartsOfAllClassesAsLongAsThereAreSome() {
    RecentLabels<Integer> recent = holding(0, 100, 100);

    assertThat(perClass(recent.draw(12, 1))).containsExactly(6L, 6L);
    assertThat(perClass(recent.draw(30, 1))).containsExactly(20L, 10L);
    assertThat(recent.draw(30, 1)).doesNotHaveDuplicates();
  }

  private static List<Long> perClass(List<Labelled<Integer>> drawn) {
    return List.copyOf(
        drawn.stream()
            .collect(
                Collectors.groupingBy(
                    Labelled::label, java.util.TreeMap::new, Collectors.counting()))
            .values());
  }

  @Test
  void drawsAreAFunctionOfTheLastSamplesAndTheNumber() {
    RecentLabels<Integer> long_ = holding(0, 100, 20);
    long_.draw(5, 3);

    assertThat(long_.draw(8, 7)).isEqualTo(holding(80, 100, 20).draw(8, 7));
    assertThat(long_.draw(8, 7)).isNotEqualTo(long_.draw(8, 8));
  }
}
