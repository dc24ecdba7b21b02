package dev.acclimate.simulate.continual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class AccuracyMatrixTest {
  private static final Offset<Double> EXACT = within(1e-12);

  private final AccuracyMatrix matrix =
      new AccuracyMatrix(
          new double[] {0.1, 0.2, 0.1},
          new double[][] {{0.9, 0.3, 0.1}, {0.6, 0.8, 0.5}, {0.7, 0.5, 0.6}});

  @Test
  void averageIsOverAllTasksAtTheEnd() {
    assertThat(matrix.average()).isCloseTo((0.7 + 0.5 + 0.6) / 3, EXACT);
  }

  @Test
  void newestIsTheDiagonal() {
    assertThat(matrix.newest()).isCloseTo((0.9 + 0.8 + 0.6) / 3, EXACT);
  }

  @Test
  void forgettingIsMeasuredFromTheBestEver() {
    assertThat(matrix.forgetting()).isCloseTo((0.2 + 0.3) / 2, EXACT);
  }

  @Test
  void backwardTransferIsMeasuredFromWhenTheTaskWasNew() {
    assertThat(matrix.backwardTransfer()).isCloseTo((-0.2 - 0.3) / 2, EXACT);
  }

  @Test
  void forwardTransferIsMeasuredFromBeforeAllTasks() {
    assertThat(matrix.forwardTransfer()).isCloseTo((0.3 - 0.2 + 0.5 - 0.1) / 2, EXACT);
  }

  @Test
  void averageSoFarLooksAtTasksSeen() {
    assertThat(matrix.averageSoFar()).containsExactly(new double[] {0.9, 0.7, 0.6}, EXACT);
  }
}
