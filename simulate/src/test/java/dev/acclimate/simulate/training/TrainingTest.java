package dev.acclimate.simulate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.adapters.learning.LabelledBatch;
import dev.acclimate.adapters.learning.Learner;
import dev.acclimate.adapters.learning.LearningGraph;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.LearningSettings;
import dev.acclimate.adapters.learning.LearningState;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import dev.acclimate.simulate.training.BuiltinModelTraining.Epoch;
import dev.acclimate.simulate.training.BuiltinModelTraining.Kind;
import dev.acclimate.simulate.training.BuiltinModelTraining.Result;
import dev.acclimate.simulate.training.BuiltinModelTraining.Settings;
import dev.acclimate.simulate.training.SmallResNet.Architecture;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final Settings SMALL = new Settings(3, 640, 200, 32, 1, 0.05, 0.9, 5e-4, 0, 0);

  @Test
  void lossFallsAndSameSeedGivesSameModel() {
    List<Epoch> epochs = new ArrayList<>();
    Result first = BuiltinModelTraining.run(Kind.IMAGES, SMALL, epochs::add);
    Result second = BuiltinModelTraining.run(Kind.IMAGES, SMALL, epoch -> {});

    assertThat(epochs).hasSize(3);
    assertThat(epochs.get(2).loss()).isLessThan(epochs.get(0).loss());
    assertThat(first.accuracy()).isGreaterThan(0.2);
    assertThat(second.model().digest()).isEqualTo(first.model().digest());
  }

  /**
   * Plain descent at rate 1 shows the whole network's gradient with respect to a parameter; along
   * it, where the change is largest against rounding, the loss changes as it says.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "conv1.weight",
        "layer2.0.bn1.weight",
        "layer3.1.bn2.bias",
        "layer2.0.downsample.0.weight",
        "layer1.0.conv2.weight",
        "fc.weight",
        "fc.bias"
      })
  void gradientPredictsTheChangeOfTheLoss(String parameter) {
    LearningGraph graph =
        LearningGraph.of(
            SmallResNet.create(Architecture.IMAGES, 2, 10, 3),
            new LearningSettings(
                LearningMethod.parse("bn"),
                Sgd.withMomentum(0),
                LearningRate.constant(1),
                ParameterSet.parse(parameter),
                0.1));
    try (LabelledBatch batch = batch();
        LearningState start = graph.start();
        Learner learner = Learner.open(graph, graph.start(), ONE_THREAD)) {
      learner.learn(batch);
      double[] gradient = difference(parameter(start), parameter(learner.state()));
      double squares = Arrays.stream(gradient).map(value -> value * value).sum();
      double step = 2e-3 / Math.sqrt(squares);

      double change =
          loss(graph, start, gradient, step, batch) - loss(graph, start, gradient, -step, batch);

      double expected = 2 * step * squares;
      assertThat(change).isCloseTo(expected, within(0.03 * expected + 2e-6));
    }
  }

  /** The one packed vector that learns. */
  private static FloatBuffer parameter(LearningState state) {
    Tensor weights = state.tensors().get("weights");
    return (weights == null ? Objects.requireNonNull(state.tensors().get("affine")) : weights)
        .floats();
  }

  private static double[] difference(FloatBuffer from, FloatBuffer less) {
    double[] values = new double[from.limit()];
    Arrays.setAll(values, i -> from.get(i) - (double) less.get(i));
    return values;
  }

  /** The loss so far away from the start in a direction. */
  private static double loss(
      LearningGraph graph,
      LearningState start,
      double[] direction,
      double step,
      LabelledBatch batch) {
    LearningState moved = start.copy();
    FloatBuffer values = parameter(moved);
    for (int i = 0; i < direction.length; i++) {
      values.put(i, (float) (values.get(i) + step * direction[i]));
    }
    try (Learner learner = Learner.open(graph, moved, ONE_THREAD)) {
      return learner.learn(batch).loss();
    }
  }

  private static LabelledBatch batch() {
    Random random = new Random(5);
    LabelledBatch batch = new LabelledBatch(16, Architecture.IMAGES.shape());
    batch.resize(16);
    for (int row = 0; row < 16; row++) {
      FloatBuffer values = batch.row(row);
      while (values.hasRemaining()) {
        values.put((float) random.nextGaussian());
      }
      batch.label(row, row % 10, 0);
    }
    return batch;
  }

  @Test
  void namesAreTorchvisions() {
    OnnxModel model = SmallResNet.create(Architecture.IMAGES, 1, 10, 0);

    assertThat(model.inputs()).hasToString("[input FP32 [batch, 3, 32, 32]]");
    assertThat(model.outputs()).hasToString("[logits FP32 [batch, 10]]");
    assertThat(ParameterSet.all().select(model, "logits"))
        .contains("conv1.weight", "layer1.0.bn1.weight", "layer2.0.downsample.1.bias", "fc.bias");
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> Kind.IMAGES.settings().withEpochs(0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("epochs: expected at least 1, found 0");
  }
}
