package dev.acclimate.streams.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PredictionsTest {
  private static final Dimension BATCH = Dimension.symbolic("batch");

  static TensorInfo output(String name, ElementType type, Dimension... dimensions) {
    return new TensorInfo(name, type, List.of(dimensions));
  }

  private static final TensorInfo SCORES =
      output("scores", ElementType.FP32, BATCH, Dimension.fixed(3));

  @Test
  void theHighestScoreIsTheClass() {
    Predictions predictions = Predictions.of(List.of(SCORES));
    Tensor scores = Tensor.of(new float[] {0, 2, 1, -1, -2, -3, 5, 6, 7, 0, 0, 9}, 4, 3);

    assertThat(predictions.classes()).isEqualTo(3);
    assertThat(predictions.classes(Map.of("scores", scores))).containsExactly(1, 0, 2, 2);
    assertThat(predictions.classes(Map.of("scores", scores), 1, 2)).containsExactly(0, 2);
  }

  @Test
  void theFirstOfEqualScoresIsTheClassAndNoneIsWhereAllAreNaN() {
    float nan = Float.NaN;
    float none = Float.NEGATIVE_INFINITY;
    Tensor scores =
        Tensor.of(new float[] {2, 2, 1, nan, 1, 3, nan, nan, nan, none, nan, none}, 4, 3);

    assertThat(Predictions.of(List.of(SCORES)).classes(Map.of("scores", scores)))
        .containsExactly(0, 2, Predictions.NO_CLASS, 0);
  }

  @Test
  void takesTheFirstOutputOfScores() {
    Predictions predictions =
        Predictions.of(
            List.of(
                output("label", ElementType.INT64, BATCH),
                output("confidence", ElementType.FP32, BATCH, Dimension.fixed(1)),
                output("features", ElementType.FP32, BATCH, Dimension.fixed(8), Dimension.fixed(2)),
                output("scores", ElementType.FP32, BATCH, Dimension.symbolic("classes")),
                output("more", ElementType.FP32, BATCH, Dimension.fixed(5))));

    assertThat(predictions.classes()).isEqualTo(Integer.MAX_VALUE);
    Tensor scores = Tensor.of(new float[] {1, 2}, 1, 2);
    assertThat(predictions.classes(Map.of("scores", scores))).containsExactly(1);
  }

  @Test
  void refusesAModelWithoutScores() {
    List<TensorInfo> outputs =
        List.of(
            output("boxes", ElementType.FP32, BATCH, Dimension.fixed(4), Dimension.fixed(9)),
            output("label", ElementType.INT64, BATCH, Dimension.fixed(2)));

    assertThatThrownBy(() -> Predictions.of(outputs))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "feedback: expected a model with class scores, an FP32 output [batch, classes] of two"
                + " classes or more, to compare labels with; found [boxes FP32 [batch, 4, 9],"
                + " label INT64 [batch, 2]]");
  }
}
