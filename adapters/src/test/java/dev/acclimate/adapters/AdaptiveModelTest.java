package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.OrtException;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of {@link AdaptiveModel}: determinism, all-or-nothing steps, restored states. */
class AdaptiveModelTest {
  private static final Path RESNET =
      Path.of("..", "..", "shared", "data", "cifar10", "resnet20.onnx");
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int SIZE = 3 * 6 * 6;

  static List<String> methods() {
    return List.of(
        "source",
        "tbn",
        "bn-prior",
        "ema",
        "alpha-bn",
        "unmix-tns[components=3]",
        "adab2n",
        "adab2n[tasks=detected]",
        "adab2n[renormalize=false;normalize=batch]",
        "tbn+tent[steps=2]",
        "unmix-tns[components=3]+core[learning-rate=0.1]",
        "alpha-bn+eta[margin=1;learning-rate=0.1]",
        "ema+sar[margin=1;learning-rate=0.1]");
  }

  static List<String> methodsWithState() {
    return List.of(
        "ema", "unmix-tns[components=3]", "adab2n[tasks=none]", "adab2n[tasks=detected]");
  }

  static List<String> adaptingMethods() {
    return methods().subList(1, methods().size());
  }

  private static AdaptiveModel open(String method) {
    AdaptedModel adapted = AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse(method));
    return AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
  }

  /** The logits for a batch drawn from this seed. */
  private static float[] run(AdaptiveModel model, long seed) {
    try (Tensor images = TwoSiteModel.images(5, seed)) {
      return run(model, images);
    }
  }

  private static float[] run(AdaptiveModel model, Tensor images) {
    return model.run(Map.of("image", images)).outputs().get("logits").toFloatArray();
  }

  private static void assertSame(AdaptationState actual, AdaptationState expected) {
    assertThat(actual.step()).isEqualTo(expected.step());
    expected
        .tensors()
        .forEach(
            (name, tensor) ->
                assertThat(actual.tensors().get(name).bytes()).as(name).isEqualTo(tensor.bytes()));
  }

  @Test
  void sourceAnswersAsTheUntouchedFileDoes() throws OrtException {
    try (AdaptiveModel model = open("source");
        BareSession bare = BareSession.open(TwoSiteModel.of(1).toBytes());
        Tensor images = TwoSiteModel.images(7, 4)) {
      float[] expected = bare.run("image", images).get("logits");

      assertThat(run(model, images)).containsExactly(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("adaptingMethods")
  void adaptsItsAnswers(String method) {
    try (AdaptiveModel model = open(method);
        AdaptiveModel source = open("source")) {
      float[] frozen = run(source, 4);

      assertThat(PlainNormalization.relativeError(run(model, 4), PlainNormalization.widen(frozen)))
          .isGreaterThan(1e-3);
    }
  }

  @ParameterizedTest
  @MethodSource("methods")
  void repeatsBitForBit(String method) {
    try (AdaptiveModel first = open(method);
        AdaptiveModel second = open(method)) {
      for (int step = 0; step < 4; step++) {
        assertThat(run(second, step)).containsExactly(run(first, step));
      }
      assertSame(second.state(), first.state());
    }
  }

  @ParameterizedTest
  @MethodSource("methods")
  void goesOnFromARestoredStateBitForBit(String method) {
    try (AdaptiveModel model = open(method)) {
      run(model, 1);
      run(model, 2);
      AdaptationState kept = model.state();
      float[] third = run(model, 3);
      float[] fourth = run(model, 4);
      AdaptationState end = model.state();

      model.restore(kept);

      assertThat(model.step()).isEqualTo(2);
      assertThat(run(model, 3)).containsExactly(third);
      assertThat(run(model, 4)).containsExactly(fourth);
      assertSame(model.state(), end);
    }
  }

  @ParameterizedTest
  @MethodSource("methodsWithState")
  void aStateThatWasTakenStaysAsItWas(String method) {
    try (AdaptiveModel model = open(method)) {
      AdaptationState taken = model.state();
      float[] before = taken.tensors().values().iterator().next().toFloatArray();

      run(model, 1);
      run(model, 2);

      assertThat(taken.tensors().values().iterator().next().toFloatArray()).containsExactly(before);
    }
  }

  @Test
  void refusesAStateOfAnotherModelMethodOrShape() {
    AdaptedModel ours = AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse("ema"));
    for (AdaptedModel other :
        List.of(
            AdaptedModel.adapt(TwoSiteModel.of(2), Method.parse("ema")),
            AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse("unmix-tns")),
            AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse("tbn")))) {
      AdaptationState state = other.initialState(0, null);

      assertThatThrownBy(() -> AdaptiveModel.open(ours, state, ONE_THREAD))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining(other.method().canonical())
          .hasMessageContaining(other.source().digest())
          .hasMessageContaining(ours.method().canonical())
          .hasMessageContaining(ours.source().digest());
    }
  }

  @ParameterizedTest
  @MethodSource("adaptingMethods")
  void aBatchThatIsNotFiniteChangesNothingAndIsAnsweredBySource(String method) throws OrtException {
    for (float poison : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      try (AdaptiveModel model = open(method);
          AdaptiveModel undisturbed = open(method);
          BareSession plain = BareSession.open(TwoSiteModel.of(1).toBytes());
          Tensor poisoned = TwoSiteModel.images(5, 9)) {
        poisoned.floats().put(2 * SIZE + 40, poison);
        run(model, 1);
        run(undisturbed, 1);

        BatchResult result = model.run(Map.of("image", poisoned));

        assertThat(result.adapted()).isFalse();
        assertThat(result.step()).isEqualTo(1);
        float[] expected = plain.run("image", poisoned).get("logits");
        assertThat(expected[0]).isFinite();
        assertThat(result.outputs().get("logits").toFloatArray()).containsExactly(expected);
        assertThat(model.rejectedSteps()).isEqualTo(1);
        assertSame(model.state(), undisturbed.state());
        assertThat(run(model, 2)).containsExactly(run(undisturbed, 2));
        assertThat(model.step()).isEqualTo(2);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("methodsWithState")
  void aStateThatIsNotFiniteIsRejectedThoughTheAnswerIsFinite(String method) throws OrtException {
    OneSiteModel site = OneSiteModel.random(2, new long[] {2, 2}, 0, 17, 1, false);
    AdaptedModel adapted = AdaptedModel.adapt(site.model(), Method.parse(method));
    AdaptationState start = adapted.initialState(0, null);
    float a = 1e25f; // the mean is 0, the variance beyond all floats, and so its inverse 0
    try (AdaptiveModel model = AdaptiveModel.open(adapted, start, ONE_THREAD);
        BareSession bare = BareSession.open(adapted.model().toBytes());
        Tensor x = Tensor.of(new float[] {a, -a, a, -a, -a, -a, a, a}, 1, 2, 2, 2)) {
      for (Map.Entry<String, Tensor> state : start.tensors().entrySet()) {
        bare.feed(
            "acclimate/" + state.getKey(),
            state.getValue().toFloatArray(),
            state.getValue().shape());
      }
      Map<String, float[]> unchecked = bare.run("x", x);
      assertThat(Tensor.of(unchecked.get("y"), 8).isFinite()).isTrue();

      BatchResult result = model.run(Map.of("x", x));

      assertThat(result.adapted()).isFalse();
      assertThat(model.rejectedSteps()).isEqualTo(1);
      assertSame(model.state(), start);
    }
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aRunThatThrowsChangesNothing(String method) {
    try (AdaptiveModel model = open(method);
        AdaptiveModel undisturbed = open(method);
        Tensor wrong = Tensor.of(new float[4], 1, 4)) {
      run(model, 1);
      run(undisturbed, 1);

      assertThatThrownBy(() -> model.run(Map.of("image", wrong)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("input 'image' expects FP32 [batch, 3, 6, 6]");

      assertThat(run(model, 2)).containsExactly(run(undisturbed, 2));
      assertSame(model.state(), undisturbed.state());
    }
  }

  @ParameterizedTest
  @MethodSource("methods")
  void theOrderWithinABatchDoesNotMatter(String method) {
    int[] order = {3, 0, 4, 1, 2};
    try (AdaptiveModel model = open(method);
        AdaptiveModel shuffled = open(method)) {
      for (int step = 0; step < 3; step++) {
        try (Tensor images = TwoSiteModel.images(5, step);
            Tensor others = images.copy()) {
          float[] values = images.toFloatArray();
          for (int b = 0; b < order.length; b++) {
            others.floats().put(b * SIZE, values, order[b] * SIZE, SIZE);
          }
          float[] logits = run(model, images);
          float[] otherLogits = run(shuffled, others);

          for (int b = 0; b < order.length; b++) {
            for (int k = 0; k < 5; k++) {
              assertThat(otherLogits[5 * b + k]).isCloseTo(logits[5 * order[b] + k], within(1e-5f));
            }
          }
        }
      }
      AdaptationState end = shuffled.state();
      model
          .state()
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(
                          PlainNormalization.relativeError(
                              end.tensors().get(name).toFloatArray(),
                              PlainNormalization.widen(tensor.toFloatArray())))
                      .as(name)
                      .isLessThan(1e-6));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ema",
        "unmix-tns[components=3]",
        "alpha-bn",
        "tbn",
        "adab2n[tasks=none]",
        "adab2n[tasks=detected;radius=0.3]"
      })
  void theAdaptedFileRunsInAnyRuntimeWithItsStateFedBack(String method) throws OrtException {
    compareWithBareSession(TwoSiteModel.of(1), method, 5, 5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ema", "unmix-tns", "adab2n[tasks=detected]"})
  void theAdaptedResNetRunsInAnyRuntimeWithItsStateFedBack(String method) throws OrtException {
    assumeTrue(Files.exists(RESNET), "no real model beside the repository");
    compareWithBareSession(OnnxModel.read(RESNET), method, 16, 4);
  }

  private static void compareWithBareSession(OnnxModel source, String method, int batch, int steps)
      throws OrtException {
    AdaptedModel adapted = AdaptedModel.adapt(source, Method.parse(method));
    AdaptationState start = adapted.initialState(3, null);
    TensorInfo input = source.inputs().get(0);
    SplittableRandom random = new SplittableRandom(11);
    try (AdaptiveModel model = AdaptiveModel.open(adapted, start, ONE_THREAD);
        BareSession bare = BareSession.open(adapted.model().toBytes());
        Tensor images =
            Tensor.of(
                new float[Math.toIntExact(batch * input.elementsPerSample())],
                batch,
                input.dimensions().get(1).size(),
                input.dimensions().get(2).size(),
                input.dimensions().get(3).size())) {
      for (Map.Entry<String, Tensor> state : start.tensors().entrySet()) {
        bare.feed(
            "acclimate/" + state.getKey(),
            state.getValue().toFloatArray(),
            state.getValue().shape());
      }
      for (int step = 0; step < steps; step++) {
        for (int i = 0; i < images.elements(); i++) {
          images.floats().put(i, (float) (0.3 + 1.2 * random.nextGaussian()));
        }
        Map<String, float[]> theirs = bare.run(input.name(), images);
        BatchResult ours = model.run(Map.of(input.name(), images));

        assertThat(ours.adapted()).isTrue();
        ours.outputs().forEach((name, tensor) -> assertClose(name, tensor, theirs.get(name)));
        model
            .state()
            .tensors()
            .forEach(
                (name, tensor) ->
                    assertClose(name, tensor, theirs.get("acclimate/" + name + "/next")));
      }
    }
  }

  private static void assertClose(String name, Tensor ours, float[] theirs) {
    assertThat(
            PlainNormalization.relativeError(ours.toFloatArray(), PlainNormalization.widen(theirs)))
        .as(name)
        .isLessThan(1e-6);
  }

  @Test
  void sourceAnswersAsTheUntouchedResNetDoes() throws OrtException {
    assumeTrue(Files.exists(RESNET), "no real model beside the repository");
    OnnxModel source = OnnxModel.read(RESNET);
    AdaptedModel adapted = AdaptedModel.adapt(source, Method.parse("source"));
    SplittableRandom random = new SplittableRandom(11);
    float[] pixels = new float[8 * 3 * 32 * 32];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    try (AdaptiveModel model =
            AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
        BareSession bare = BareSession.open(source.toBytes());
        Tensor images = Tensor.of(pixels, 8, 3, 32, 32)) {
      float[] expected = bare.run("input", images).get("logits");

      assertThat(model.run(Map.of("input", images)).outputs().get("logits").toFloatArray())
          .containsExactly(expected, within(1e-5f));
    }
  }
}
