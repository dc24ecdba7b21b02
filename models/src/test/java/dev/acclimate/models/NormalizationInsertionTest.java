package dev.acclimate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.NormalizationInsertion.Inserted;
import dev.acclimate.models.gradients.Backpropagation;
import dev.acclimate.models.gradients.CrossEntropy;
import dev.acclimate.models.gradients.ParameterSet;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class NormalizationInsertionTest {
  private static final int SAMPLES = 5;

  /** A convolution and a linear layer, each with Tanh, and logits that have none. */
  private static OnnxModel plain() {
    return ModelSketch.ofOpset(17)
        .input("x", "batch", 2L, 3L, 3L)
        .output("logits", "batch", 2L)
        .initializer("w", new float[] {1, 2, -1, 0.5f, 3, 1, -2, 0.25f}, 4, 2, 1, 1)
        .initializer("v", new float[] {1, -1, 2, 0.5f, 1, 2, 3, -1, 0, 1, 1, 2}, 4, 3)
        .initializer("u", new float[] {1, 0, -1, 2, 1, 1}, 3, 2)
        .node("Conv", "conv", "x w", "c")
        .node("Tanh", "tanh1", "c", "t")
        .node("GlobalAveragePool", "pool", "t", "p")
        .node("Flatten", "flat", "p", "f")
        .node("MatMul", "linear", "f v", "l")
        .node("Tanh", "tanh2", "l", "s")
        .node("MatMul", "last", "s u", "logits")
        .model();
  }

  @Test
  void everySampleIsStandardizedBeforeTheNonLinearity() {
    Inserted inserted = NormalizationInsertion.insert(plain());

    assertThat(inserted.places()).containsExactly("tanh1", "tanh2");
    GraphEditor editor = new GraphEditor(inserted.model());
    editor.addOutput("t", ElementType.FP32, -1, 4, 3, 3);
    editor.addOutput("s", ElementType.FP32, -1, 3);
    SplittableRandom random = new SplittableRandom(1);
    Tensor x = Tensor.allocate(ElementType.FP32, SAMPLES, 2, 3, 3);
    for (int i = 0; i < x.elements(); i++) {
      x.floats().put(i, (float) (3 + 2 * random.nextGaussian()));
    }
    try (ModelSession session =
        ModelSession.open(editor.build(), new SessionSettings(ExecutionProvider.CPU, 1))) {
      Map<String, Tensor> results = session.run(Map.of("x", x));
      for (String activation : new String[] {"t", "s"}) {
        Tensor tensor = Objects.requireNonNull(results.get(activation));
        int size = (int) tensor.elements() / SAMPLES;
        for (int sample = 0; sample < SAMPLES; sample++) {
          double sum = 0;
          double squares = 0;
          for (int i = 0; i < size; i++) {
            double y = tensor.floats().get(sample * size + i);
            double before = Math.log((1 + y) / (1 - y)) / 2; // what went into Tanh
            sum += before;
            squares += before * before;
          }
          assertThat(sum / size).isCloseTo(0, within(1e-3));
          assertThat(squares / size).isCloseTo(1, within(1e-2));
        }
      }
    }
  }

  /** What was inserted can be learnt through. */
  @Test
  void gradientsPassThrough() {
    OnnxModel model = NormalizationInsertion.insert(plain()).model();

    GraphEditor forward = new GraphEditor(model);
    String loss = CrossEntropy.append(forward, "logits", "labels", 0);
    forward.addInput("labels", ElementType.INT64, -1);
    Backpropagation pass =
        Backpropagation.append(
            new GraphEditor(forward.build()),
            loss,
            ParameterSet.all().select(model, "logits"),
            Backpropagation.Normalization.BATCH);

    assertThat(pass.gradients()).containsOnlyKeys("w", "v", "u");
  }

  @Test
  void whereNormalizationsAreNothingIsInserted() {
    OnnxModel model =
        ModelSketch.convolutionAndSite()
            .node("Conv", "conv", "x weight", "h")
            .node("BatchNormalization", "bn", "h gamma beta mean variance", "n")
            .node("Relu", "relu", "n", "y")
            .model();

    assertThatThrownBy(() -> NormalizationInsertion.insert(model))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected non-linearities behind layers without normalization");
  }
}
