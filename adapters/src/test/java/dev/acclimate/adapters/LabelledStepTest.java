package dev.acclimate.adapters;

import static dev.acclimate.adapters.CompanionMethodTest.WHOLE;
import static dev.acclimate.adapters.CompanionMethodTest.assertMoved;
import static dev.acclimate.adapters.CompanionMethodTest.down;
import static dev.acclimate.adapters.CompanionMethodTest.gradient;
import static dev.acclimate.adapters.CompanionMethodTest.norm;
import static dev.acclimate.adapters.CompanionMethodTest.parameters;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps from labels, against central differences on the network's double-precision twin. */
class LabelledStepTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int BATCH = 6;
  private static final int[] LABELS = {0, 4, 2, 2, 1, 3};

  private final OnnxModel source = TwoSiteModel.of(1);
  private final PlainTwoSites plain = new PlainTwoSites(source);
  private final Tensor images = TwoSiteModel.images(BATCH, 3);

  private AdaptiveModel open(String method) {
    AdaptedModel adapted = AdaptedModel.adapt(source, Method.parse(method));
    return AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
  }

  private static Tensor labels(int... classes) {
    Tensor labels = Tensor.allocate(ElementType.INT64, classes.length);
    for (int i = 0; i < classes.length; i++) {
      labels.longs().put(i, classes[i]);
    }
    return labels;
  }

  /** One step from the model's present state; the state afterwards. */
  private AdaptationState learnt(AdaptiveModel model, AdaptationState from) {
    AdaptationState into = model.newState();
    assertThat(model.learn(Map.of("image", images), labels(LABELS), from, into)).isTrue();
    return into;
  }

  private ToDoubleFunction<double[]> crossEntropy(double sourceWeight, double smoothing) {
    PlainTwoSites.Statistics statistics = plain.mixedWithSource(sourceWeight);
    return at -> {
      double[][] logits = plain.logits(images, at, statistics);
      double loss = 0;
      for (int b = 0; b < BATCH; b++) {
        double[] p = PlainPredictions.softmax(logits[b], 1);
        for (int k = 0; k < p.length; k++) {
          double target = (k == LABELS[b] ? 1 - smoothing : 0) + smoothing / p.length;
          loss -= target * Math.log(p[k]) / BATCH;
        }
      }
      return loss;
    };
  }

  @ParameterizedTest
  @CsvSource({"tbn, 0, 0", "alpha-bn[source-weight=0.6], 0.6, 0", "tbn, 0, 0.2"})
  void stepsDownTheGradientOfTheCrossEntropy(String base, double sourceWeight, double smoothing) {
    double[] start = plain.start();
    double[] expected = down(start, 1, gradient(start, crossEntropy(sourceWeight, smoothing)));
    String method = base + "+supervised[label-smoothing=" + smoothing + ";" + WHOLE + "]";
    try (AdaptiveModel model = open(method)) {
      assertMoved(parameters(learnt(model, model.state())), expected, start);
    }
  }

  @Test
  void momentumGoesOnFromStepToStep() {
    double[] start = plain.start();
    double[] first = gradient(start, crossEntropy(0, 0));
    double[] between = down(start, 0.5, first);
    double[] second = gradient(between, crossEntropy(0, 0));
    double[] velocity = new double[first.length];
    Arrays.setAll(velocity, i -> 0.9 * first[i] + second[i]);
    try (AdaptiveModel model = open("tbn+supervised[learning-rate=0.5;max-step=100]")) {
      AdaptationState one = learnt(model, model.state());

      assertMoved(parameters(learnt(model, one)), down(between, 0.5, velocity), start);
    }
  }

  @Test
  void answersAreTheMethodsOwnAndUseWhatWasLearnt() {
    try (AdaptiveModel alone = open("ema");
        AdaptiveModel both = open("ema+supervised[learning-rate=0.5;max-step=10]")) {
      double[] expected = answer(alone);

      assertThat(answer(both)).containsExactly(expected, within(1e-5));
      assertThat(parameters(both.state())).isEqualTo(plain.start());
      AdaptationState statistics = both.state();
      AdaptationState after = learnt(both, statistics);
      assertThat(after.tensors().get("running_mean").toFloatArray())
          .isEqualTo(statistics.tensors().get("running_mean").toFloatArray());
      assertThat(after.step()).isEqualTo(statistics.step());
      both.restore(after);
      assertThat(distance(answer(both), answer(alone))).isGreaterThan(1e-2);
    }
  }

  private double[] answer(AdaptiveModel model) {
    return PlainNormalization.widen(
        model.run(Map.of("image", images)).outputs().get("logits").toFloatArray());
  }

  private static double distance(double[] a, double[] b) {
    return norm(PlainNormalization.mix(1, a, -1, b));
  }

  @ParameterizedTest
  @ValueSource(strings = {"learning-rate=1000000", "learning-rate=1e39;optimizer=adam;steps=2"})
  void anExplodingStepIsNotTaken(String options) {
    try (AdaptiveModel model = open("tbn+supervised[" + options + "]")) {
      AdaptationState into = model.newState();

      assertThat(model.learn(Map.of("image", images), labels(LABELS), model.state(), into))
          .isFalse();
    }
  }

  @Test
  void inputsThatAreNotFiniteLeaveNoTrace() {
    try (AdaptiveModel model = open("tbn+supervised")) {
      Tensor broken = images.copy();
      broken.floats().put(0, Float.NaN);

      assertThat(
              model.learn(Map.of("image", broken), labels(LABELS), model.state(), model.newState()))
          .isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 5})
  void refusesALabelThatIsNoClass(int label) {
    try (AdaptiveModel model = open("tbn+supervised")) {
      assertThatThrownBy(
              () ->
                  model.learn(
                      Map.of("image", images),
                      labels(0, 1, label, 1, 1, 1),
                      model.state(),
                      model.newState()))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("label of sample 2: expected a class from 0 to 4, found " + label);
    }
  }

  /** Both sites feed a Relu alone. */
  @Test
  void napKeepsTheNormOfScaleAndOffsetSiteBySite() {
    double[] start = plain.start();
    try (AdaptiveModel free = open("tbn+supervised[learning-rate=3;max-step=100]");
        AdaptiveModel projected = open("tbn+supervised[learning-rate=3;max-step=100]+nap")) {
      double[] moved = parameters(learnt(free, free.state()));
      double[] kept = parameters(learnt(projected, projected.state()));

      for (int[] site : new int[][] {{0, 4}, {4, 9}}) {
        double[] before = site(start, site);
        double[] unbound = site(moved, site);
        double factor = norm(before) / norm(unbound);
        assertThat(Math.abs(factor - 1)).isGreaterThan(1e-3);
        assertThat(site(kept, site))
            .containsExactly(Arrays.stream(unbound).map(v -> v * factor).toArray(), within(1e-5));
      }
    }
  }

  private static double[] site(double[] parameters, int[] channels) {
    int all = parameters.length / 2;
    double[] gamma = Arrays.copyOfRange(parameters, channels[0], channels[1]);
    double[] beta = Arrays.copyOfRange(parameters, all + channels[0], all + channels[1]);
    double[] both = Arrays.copyOf(gamma, gamma.length + beta.length);
    System.arraycopy(beta, 0, both, gamma.length, beta.length);
    return both;
  }

  @Test
  void napProjectsEveryNthStep() {
    double[] start = plain.start();
    try (AdaptiveModel model = open("tbn+supervised[learning-rate=0.5;max-step=10]+nap[every=2]")) {
      AdaptationState one = learnt(model, model.state());
      AdaptationState two = learnt(model, one);

      assertThat(one.tensors().get("learning_step").toFloatArray()).containsExactly(1);
      assertThat(Math.abs(norm(parameters(one)) - norm(start))).isGreaterThan(1e-3);
      assertThat(norm(parameters(two))).isCloseTo(norm(start), within(1e-5));
    }
  }

  @Test
  void theAdaptedFileKeepsWhatIsLearntAsState() {
    AdaptedModel adapted = AdaptedModel.adapt(source, Method.parse("ema+supervised+nap[every=9]"));

    assertThat(adapted.initialState(0, null).tensors().keySet())
        .containsExactlyInAnyOrder(
            "running_mean",
            "running_var",
            "gamma",
            "beta",
            "gamma_momentum",
            "beta_momentum",
            "learning_step");
    assertThat(adapted.model().inputs()).noneMatch(input -> input.name().contains("labels"));
    assertThat(adapted.method().canonical()).endsWith("+nap[every=9;pull=0.01]");
  }

  @Test
  void otherMethodsLearnFromNoLabels() {
    try (AdaptiveModel model = open("tbn+tent")) {
      assertThat(model.lessons()).isEmpty();
      assertThatThrownBy(
              () ->
                  model.learn(
                      Map.of("image", images), labels(LABELS), model.state(), model.newState()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("learns from no labels");
    }
  }
}
