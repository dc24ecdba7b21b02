package dev.acclimate.adapters;

import static dev.acclimate.adapters.CompanionMethodTest.WHOLE;
import static dev.acclimate.adapters.CompanionMethodTest.assertMoved;
import static dev.acclimate.adapters.CompanionMethodTest.down;
import static dev.acclimate.adapters.CompanionMethodTest.gradient;
import static dev.acclimate.adapters.CompanionMethodTest.parameters;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Companions that learn more, or less, than scale and offset of the adapted sites, against the
 * double-precision twin.
 */
class LearntParametersTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int BATCH = 6;

  private final OnnxModel source = TwoSiteModel.of(1);
  private final PlainTwoSites plain = new PlainTwoSites(source);
  private final PlainTwoSites.Statistics statistics = plain.mixedWithSource(0);
  private final Tensor images = TwoSiteModel.images(BATCH, 3);
  private final double[] affine = plain.start();
  private final double[] weights = plain.weights();

  private AdaptiveModel open(String method) {
    AdaptedModel adapted = AdaptedModel.adapt(source, Method.parse(method));
    return AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
  }

  private float[] answer(AdaptiveModel model) {
    BatchResult result = model.run(Map.of("image", images));
    assertThat(result.adapted()).isTrue();
    return result.outputs().get("logits").toFloatArray();
  }

  private static double[] widened(float... values) {
    return PlainNormalization.widen(values);
  }

  /** Constant weights are folded with what stands beside them, so that last digits differ. */
  private static void assertSame(float[] found, float... expected) {
    assertThat(PlainNormalization.relativeError(found, widened(expected))).isLessThan(1e-6);
  }

  private double entropy(double[] affineAt, double[] weightsAt) {
    return PlainPredictions.meanEntropy(plain.with(weightsAt).logits(images, affineAt, statistics));
  }

  private static double[] weights(AdaptationState state) {
    return PlainNormalization.widen(state.tensors().get("weights").toFloatArray());
  }

  @Test
  void allStepDownTheGradientOfTheMeanEntropy() {
    double[] affineAfter = down(affine, 1, gradient(affine, at -> entropy(at, weights)));
    double[] weightsAfter = down(weights, 1, gradient(weights, at -> entropy(affine, at)));

    try (AdaptiveModel model = open("tbn+tent[parameters=all;" + WHOLE + "]")) {
      float[] before = answer(model);
      try (AdaptationState state = model.state()) {
        assertMoved(parameters(state), affineAfter, affine);
        assertMoved(weights(state), weightsAfter, weights);
      }
      double[][] expected = plain.with(weightsAfter).logits(images, affineAfter, statistics);
      float[] after = answer(model);
      assertThat(after).isNotEqualTo(before);
      assertThat(
              PlainNormalization.relativeError(
                  after, Arrays.stream(expected).flatMapToDouble(Arrays::stream).toArray()))
          .isLessThan(1e-4);
    }
  }

  /** Gamma of the first site and the second convolution; 4 and 5 channels, 5x4x3x3 weights. */
  @Test
  void onlyWhatPatternsMatchMoves() {
    double[] gamma = down(affine, 1, gradient(affine, at -> entropy(at, weights)));
    double[] expected = affine.clone();
    System.arraycopy(gamma, 0, expected, 0, 4);
    double[] both = down(weights, 1, gradient(weights, at -> entropy(affine, at)));
    int first = weights.length - 5 * 4 * 3 * 3;

    try (AdaptiveModel model = open("tbn+tent[parameters=gamma1,w2;" + WHOLE + "]")) {
      answer(model);
      try (AdaptationState state = model.state()) {
        double[] found = parameters(state);
        assertMoved(found, expected, affine);
        assertThat(Arrays.copyOfRange(found, 4, found.length))
            .isEqualTo(Arrays.copyOfRange(affine, 4, affine.length));
        assertMoved(
            weights(state),
            Arrays.copyOfRange(both, first, both.length),
            Arrays.copyOfRange(weights, first, weights.length));
      }
    }
  }

  @Test
  void weightsLearntFromLabelsAnswerFromThenOn() {
    try (AdaptiveModel model = open("ema+supervised[parameters=w1;learning-rate=0.1]");
        AdaptiveModel frozen = open("ema");
        AdaptationState into = model.newState();
        Tensor labels = Tensor.allocate(ElementType.INT64, BATCH)) {
      assertSame(answer(model), answer(frozen));
      try (AdaptationState from = model.state()) {
        assertThat(model.learn(Map.of("image", images), labels, from, into)).isTrue();
        assertThat(weights(into)).isNotEqualTo(weights(from));
        assertThat(parameters(into)).isEqualTo(parameters(from));
      }
      model.restore(into);
      assertThat(PlainNormalization.relativeError(answer(model), widened(answer(frozen))))
          .isGreaterThan(1e-2);
    }
  }

  /** The state's start is the source's own weights: without steps, nothing is changed. */
  @Test
  void withoutStepsTheAnswersAreThoseOfTheStatisticsAlone() {
    try (AdaptiveModel model = open("ema+tent[parameters=all;learning-rate=0]");
        AdaptiveModel alone = open("ema")) {
      for (int i = 0; i < 3; i++) {
        assertSame(answer(model), answer(alone));
      }
    }
  }

  @Test
  void aPatternThatMatchesNothingIsRefused() {
    assertThatThrownBy(() -> open("tent[parameters=fc*]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("parameters 'fc*'")
        .hasMessageContaining("one of w1, gamma1, beta1, w2, gamma2, beta2");
  }

  @Test
  void napIsRefusedBesideWeights() {
    assertThatThrownBy(() -> open("tbn+tent[parameters=all]+nap"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("take parameters=affine");
  }
}
