package dev.acclimate.simulate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.TrainingGraph;
import dev.acclimate.simulate.training.BuiltinModelTraining.Epoch;
import dev.acclimate.simulate.training.BuiltinModelTraining.Kind;
import dev.acclimate.simulate.training.BuiltinModelTraining.Result;
import dev.acclimate.simulate.training.BuiltinModelTraining.Settings;
import dev.acclimate.simulate.training.SmallResNet.Architecture;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TrainingTest {
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

  /** The whole network's gradient along a random direction against the loss's own change. */
  @Test
  void gradientPredictsTheChangeOfTheLoss() {
    Random random = new Random(5);
    OnnxModel model = SmallResNet.create(Architecture.IMAGES, 2, 10, 3);
    List<String> trainable = SmallResNet.trainable(model);
    TrainingGraph graph = TrainingGraph.of(model, trainable, 0.1);
    Map<String, Tensor> initializers = SmallResNet.initializers(model);
    Map<String, Tensor> feeds = new HashMap<>();
    trainable.forEach(name -> feeds.put(name, Objects.requireNonNull(initializers.get(name))));
    Tensor labels = Tensor.allocate(ElementType.INT64, 16);
    for (int i = 0; i < 16; i++) {
      labels.longs().put(i, i % 10);
    }
    feeds.put(TrainingGraph.LABELS, labels);
    feeds.put(SmallResNet.INPUT, gaussian(random, 16, 3, 32, 32));

    try (ModelSession session =
        ModelSession.open(graph.model(), new SessionSettings(ExecutionProvider.CPU, 1))) {
      for (String name :
          List.of(
              "conv1.weight",
              "layer2.0.bn1.weight",
              "layer3.1.bn2.bias",
              "layer2.0.downsample.0.weight",
              "layer1.0.conv2.weight",
              "fc.weight",
              "fc.bias")) {
        Tensor parameter = Objects.requireNonNull(feeds.get(name));
        Tensor before = parameter.copy();
        Tensor gradient =
            Objects.requireNonNull(
                session.run(feeds).get(Objects.requireNonNull(graph.gradients().get(name))));
        // along the gradient itself, where the change is largest against rounding
        float[] direction = gradient.toFloatArray();
        double squares = 0;
        for (float value : direction) {
          squares += value * (double) value;
        }
        double step = 2e-3 / Math.sqrt(squares);
        double change =
            loss(session, feeds, parameter, before, direction, step)
                - loss(session, feeds, parameter, before, direction, -step);
        parameter.set(before);

        double expected = 2 * step * squares;
        assertThat(change).as(name).isCloseTo(expected, within(0.03 * expected + 2e-6));
      }
    }
  }

  private static double loss(
      ModelSession session,
      Map<String, Tensor> feeds,
      Tensor parameter,
      Tensor before,
      float[] direction,
      double step) {
    FloatBuffer values = parameter.floats();
    for (int i = 0; i < direction.length; i++) {
      values.put(i, (float) (before.floats().get(i) + step * direction[i]));
    }
    return Objects.requireNonNull(session.run(feeds).get(TrainingGraph.LOSS)).floats().get(0);
  }

  private static Tensor gaussian(Random random, long... shape) {
    float[] values = new float[Math.toIntExact(Tensor.elements(shape))];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, shape);
  }

  @Test
  void namesAreTorchvisions() {
    OnnxModel model = SmallResNet.create(Architecture.IMAGES, 1, 10, 0);

    assertThat(model.inputs()).hasToString("[input FP32 [batch, 3, 32, 32]]");
    assertThat(model.outputs()).hasToString("[logits FP32 [batch, 10]]");
    assertThat(SmallResNet.trainable(model))
        .contains("conv1.weight", "layer1.0.bn1.weight", "layer2.0.downsample.1.bias", "fc.bias")
        .noneMatch(name -> name.contains("running"));
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> Kind.IMAGES.settings().withEpochs(0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("epochs: expected at least 1, found 0");
  }
}
