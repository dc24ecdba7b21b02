package dev.acclimate.agent.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.OutputSlice;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final List<TensorInfo> OUTPUTS =
      List.of(info("scores", ElementType.FP32), info("more", ElementType.FP32));

  private static TensorInfo info(String name, ElementType type) {
    return new TensorInfo(name, type, List.of(Dimension.symbolic("batch"), Dimension.fixed(2)));
  }

  private static OutputSlice ours(String name, float... values) {
    return OutputSlice.of(name, theirs(values));
  }

  private static Tensor theirs(float... values) {
    return Tensor.of(values, values.length / 2, 2);
  }

  @Test
  void countsRowsByTheirHighestScoreAndAveragesAllNumbers() {
    Comparison found =
        Comparison.of(
            OUTPUTS,
            List.of(ours("scores", 1, 2, 5, 4, 0, 1), ours("more", 9, 0, 9, 0, 9, 0)),
            Map.of("scores", theirs(1, 3, 4, 5, 0, 1), "more", theirs(0, 9, 0, 9, 0, 9)));

    assertThat(found.rows()).isEqualTo(3);
    assertThat(found.differing()).isEqualTo(1);
    assertThat(found.elements()).isEqualTo(12);
    assertThat(found.meanDifference()).isEqualTo((1 + 1 + 1 + 6 * 9) / 12.0);
  }

  @Test
  void leavesOutWhatOnlyOneGaveAndWhatHasAnotherShape() {
    Comparison found =
        Comparison.of(
            OUTPUTS,
            List.of(ours("scores", 1, 2), ours("more", 1, 2)),
            Map.of("scores", theirs(1, 2, 3, 4)));

    assertThat(found.rows()).isZero();
    assertThat(found.meanDifference()).isNaN();
  }
}
