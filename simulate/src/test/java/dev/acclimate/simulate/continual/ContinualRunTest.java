package dev.acclimate.simulate.continual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.adapters.learning.LearningGraph.LayerNorm;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.ReplayPolicy;
import dev.acclimate.models.gradients.Sgd;
import dev.acclimate.simulate.continual.ContinualRun.Result;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.report.ContinualPage;
import dev.acclimate.simulate.training.UntrainedModel;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ContinualRunTest {
  private static final ImageSet TRAIN = BuiltinImages.train(300, 0);
  private static final ImageSet TEST = BuiltinImages.test(100, 0);
  private static final List<LearningTask> TASKS =
      ContinualScenario.CLASS.tasks(TRAIN, TEST, 2, 100, 40, List.of(), 0);

  private static Result run(String method, UntrainedModel model) {
    ContinualOptions options =
        new ContinualOptions(
            10,
            1,
            30,
            ReplayPolicy.CLASS_BALANCED,
            10,
            Sgd.withMomentum(0.9),
            0.02,
            LearningRate.Schedule.CONSTANT,
            0);
    try (ContinualRun run =
        new ContinualRun(
            model.create(TRAIN.shape(), 10, 1),
            LearningMethod.parse(method),
            TASKS,
            Preprocessing.identity(3),
            options,
            false,
            1)) {
      return run.run(line -> {});
    }
  }

  @Test
  void theSameSeedGivesTheSameResultWithEveryMethod() {
    for (String method : List.of("bn", "adab2n[kappa=0.3]+nap")) {
      Result first = run(method, UntrainedModel.RESNET_SMALL);
      Result second = run(method, UntrainedModel.RESNET_SMALL);

      assertThat(second.accuracies().after()).isDeepEqualTo(first.accuracies().after());
      assertThat(second.layers()).isEqualTo(first.layers());
      assertThat(first.rejected()).isZero();
    }
  }

  @Test
  void projectedHiddenLayersKeepTheirNormAndOthersDoNot() {
    Result free = run("bn", UntrainedModel.MLP);
    Result projected = run("bn+nap", UntrainedModel.MLP);

    double start = projected.layers().get(0).hiddenNorm();
    assertThat(projected.layers().get(1).hiddenNorm()).isCloseTo(start, within(1e-3));
    assertThat(free.layers().get(1).hiddenNorm()).isGreaterThan(start + 1e-2);
    assertThat(free.layers().get(0).weights())
        .extracting(LayerNorm::name, LayerNorm::output)
        .containsExactly(
            tuple("fc1.weight", false), tuple("fc2.weight", false), tuple("fc.weight", true));
    assertThat(free.layers().get(1).dormant()).isBetween(0.0, 1.0);
  }

  @Test
  void thePageHasACurveForEachMethod() {
    ContinualReport report =
        new ContinualReport(
            ContinualScenario.CLASS,
            TASKS.stream().map(LearningTask::name).toList(),
            Map.of("model", "mlp"),
            List.of(run("bn", UntrainedModel.MLP), run("bn+nap", UntrainedModel.MLP)));

    assertThat(ContinualPage.of(report))
        .contains("Mean accuracy on the tasks so far", "Norm of all hidden weights")
        .contains("data-label=\"bn\"", "data-label=\"bn+nap\"");
    assertThat(report.toText()).contains("average", "forgetting", "backward", "forward");
  }
}
