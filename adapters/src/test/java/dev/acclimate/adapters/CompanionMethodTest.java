package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.GraphEditor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.OperatorWriter;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Backpropagation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What companions learn on a network of two sites, against its double-precision twin whose losses
 * are differentiated by central differences.
 */
class CompanionMethodTest {
  private static final Path RESNET =
      Path.of("..", "..", "shared", "data", "cifar10", "resnet20.onnx");
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int BATCH = 6;
  private static final int CLASSES = 5;
  private static final double SPAN = 1e-5;

  /** A step as long as the gradient itself: what the state changes by is the gradient. */
  static final String WHOLE = "learning-rate=1;optimizer=sgd;momentum=0;max-step=1000000";

  private final OnnxModel source = TwoSiteModel.of(1);
  private final PlainTwoSites plain = new PlainTwoSites(source);
  private final Tensor images = TwoSiteModel.images(BATCH, 3);

  private AdaptedModel adapt(String method) {
    return AdaptedModel.adapt(source, Method.parse(method));
  }

  private AdaptiveModel open(String method) {
    AdaptedModel adapted = adapt(method);
    return AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
  }

  private float[] answer(AdaptiveModel model, Tensor batch) {
    BatchResult result = model.run(Map.of("image", batch));
    assertThat(result.adapted()).isTrue();
    return result.outputs().get("logits").toFloatArray();
  }

  /** All gamma, then all beta. */
  static double[] parameters(AdaptationState state) {
    double[] gamma = PlainNormalization.widen(state.tensors().get("gamma").toFloatArray());
    double[] beta = PlainNormalization.widen(state.tensors().get("beta").toFloatArray());
    double[] both = Arrays.copyOf(gamma, gamma.length + beta.length);
    System.arraycopy(beta, 0, both, gamma.length, beta.length);
    return both;
  }

  /** Central differences. */
  static double[] gradient(double[] at, ToDoubleFunction<double[]> loss) {
    double[] gradient = new double[at.length];
    for (int i = 0; i < at.length; i++) {
      double[] above = at.clone();
      double[] below = at.clone();
      above[i] += SPAN;
      below[i] -= SPAN;
      gradient[i] = (loss.applyAsDouble(above) - loss.applyAsDouble(below)) / (2 * SPAN);
    }
    return gradient;
  }

  static double[] down(double[] from, double rate, double[] gradient) {
    return PlainNormalization.mix(1, from, -rate, gradient);
  }

  static double norm(double[] vector) {
    return Math.sqrt(Arrays.stream(vector).map(v -> v * v).sum());
  }

  static void assertMoved(double[] found, double[] expected, double[] from) {
    double length = norm(PlainNormalization.mix(1, expected, -1, from));
    assertThat(length).isGreaterThan(1e-4);
    assertThat(norm(PlainNormalization.mix(1, found, -1, expected))).isLessThan(2e-4 * length);
  }

  /** The parameters after one batch. */
  private double[] learnt(String method) {
    try (AdaptiveModel model = open(method)) {
      answer(model, images);
      return parameters(model.state());
    }
  }

  private PlainTwoSites.Statistics statistics(String base) {
    return switch (base) {
      case "tbn" -> plain.mixedWithSource(0);
      case "alpha-bn[source-weight=0.6]" -> plain.mixedWithSource(0.6);
      default -> plain.unmixed(3, 0.07, adapt(base).initialState(0, null));
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"tbn", "alpha-bn[source-weight=0.6]", "unmix-tns[components=3]"})
  void tentStepsDownTheGradientOfTheMeanEntropy(String base) {
    PlainTwoSites.Statistics statistics = statistics(base);
    double[] start = plain.start();
    plain.logits(images, start, statistics); // holds the assignment to components
    double[] expected =
        down(
            start,
            1,
            gradient(
                start, at -> PlainPredictions.meanEntropy(plain.logits(images, at, statistics))));

    assertMoved(learnt(base + "+tent[" + WHOLE + "]"), expected, start);
  }

  @Test
  void furtherStepsStartWhereTheLastOneEnded() {
    PlainTwoSites.Statistics statistics = statistics("tbn");
    double[] start = plain.start();
    double[] velocity = new double[start.length];
    double[] expected = start;
    for (int step = 0; step < 3; step++) {
      double[] slope =
          gradient(
              expected, at -> PlainPredictions.meanEntropy(plain.logits(images, at, statistics)));
      velocity = PlainNormalization.mix(0.9, velocity, 1, slope);
      expected = down(expected, 0.5, velocity);
    }
    String method = "tbn+tent[learning-rate=0.5;optimizer=sgd;max-step=100;steps=%s]";

    assertMoved(learnt(method.formatted(3)), expected, start);
    try (AdaptiveModel model = open(method.formatted(1))) {
      for (int step = 0; step < 3; step++) {
        answer(model, images); // the same three, one a batch
      }
      assertMoved(parameters(model.state()), expected, start);
    }
  }

  @Test
  void coreStepsDownTheGradientOfTheCorrelationAndKeepsIt() {
    PlainTwoSites.Statistics statistics = statistics("tbn");
    double[][] past = new double[CLASSES][CLASSES];
    double[] expected = plain.start();
    double[] from = expected;
    try (AdaptiveModel model = open("tbn+core[temperature=0.5;rho=0.8;" + WHOLE + "]")) {
      for (int seed = 3; seed < 5; seed++) {
        Tensor batch = TwoSiteModel.images(BATCH, seed);
        double[][] before = past;
        from = expected;
        double[] slope =
            gradient(
                from,
                at ->
                    PlainPredictions.confusion(
                        PlainPredictions.correlation(
                            plain.logits(batch, at, statistics), 0.5, 0.8, before)));
        past =
            PlainPredictions.correlation(plain.logits(batch, from, statistics), 0.5, 0.8, before);
        expected = down(from, 1, slope);
        answer(model, batch);
      }
      assertMoved(parameters(model.state()), expected, from);
      assertThat(
              PlainNormalization.relativeError(
                  model.state().tensors().get("correlation").toFloatArray(),
                  Arrays.stream(past).flatMapToDouble(Arrays::stream).toArray()))
          .isLessThan(1e-5);
    }
  }

  /** Midway between the entropies of two samples, so that half of them are reliable. */
  private static double middle(double[][] logits) {
    double[] entropies =
        Arrays.stream(logits).mapToDouble(PlainPredictions::entropy).sorted().toArray();
    assertThat(entropies[BATCH / 2] - entropies[BATCH / 2 - 1]).isGreaterThan(1e-4);
    return (entropies[BATCH / 2] + entropies[BATCH / 2 - 1]) / 2;
  }

  private static List<Integer> reliable(double[][] logits, double bound) {
    List<Integer> chosen = new ArrayList<>();
    for (int b = 0; b < logits.length; b++) {
      if (PlainPredictions.entropy(logits[b]) < bound) {
        chosen.add(b);
      }
    }
    return chosen;
  }

  @Test
  void etaStepsByReliableSamplesAndRemembersThem() {
    PlainTwoSites.Statistics statistics = statistics("tbn");
    double[] start = plain.start();
    double[][] logits = plain.logits(images, start, statistics);
    double bound = middle(logits);
    List<Integer> chosen = reliable(logits, bound);
    double[] weights =
        chosen.stream()
            .mapToDouble(b -> Math.exp(bound - PlainPredictions.entropy(logits[b])))
            .toArray();
    double[] expected =
        down(
            start,
            1,
            gradient(
                start,
                at -> {
                  double[][] moved = plain.logits(images, at, statistics);
                  double sum = 0;
                  for (int i = 0; i < weights.length; i++) {
                    sum += weights[i] * PlainPredictions.entropy(moved[chosen.get(i)]);
                  }
                  return sum / weights.length;
                }));
    double[] average = new double[CLASSES];
    for (int b : chosen) {
      average =
          PlainNormalization.mix(
              1, average, 1.0 / chosen.size(), PlainPredictions.softmax(logits[b], 1));
    }
    try (AdaptiveModel model =
        open("tbn+eta[margin=" + bound / Math.log(CLASSES) + ";" + WHOLE + "]")) {
      answer(model, images);

      assertMoved(parameters(model.state()), expected, start);
      assertThat(
              PlainNormalization.relativeError(
                  model.state().tensors().get("probability_average").toFloatArray(), average))
          .isLessThan(1e-5);
    }
  }

  /** Predictions near the average say nothing new: with a low bound nothing is learnt from them. */
  @Test
  void etaLeavesRedundantSamplesAlone() {
    try (AdaptiveModel model = open("tbn+eta[margin=1;similarity=0.1;learning-rate=0.1]")) {
      answer(model, images);
      AdaptationState first = model.state();
      answer(model, images);
      AdaptationState second = model.state();

      assertThat(parameters(first)).isNotEqualTo(plain.start());
      assertThat(parameters(second)).isEqualTo(parameters(first));
      assertThat(second.tensors().get("gamma_momentum").toFloatArray())
          .isEqualTo(first.tensors().get("gamma_momentum").toFloatArray());
    }
  }

  @Test
  void sarStepsByTheGradientFoundUphill() {
    PlainTwoSites.Statistics statistics = statistics("tbn");
    double[] start = plain.start();
    double[][] logits = plain.logits(images, start, statistics);
    double bound = middle(logits);
    List<Integer> chosen = reliable(logits, bound);
    double[] slope = gradient(start, at -> meanEntropy(at, chosen, statistics));
    double[] above = PlainNormalization.mix(1, start, 0.05 / norm(slope), slope);
    double[][] logitsAbove = plain.logits(images, above, statistics);
    List<Integer> again =
        chosen.stream().filter(b -> PlainPredictions.entropy(logitsAbove[b]) < bound).toList();
    assertThat(again).isNotEmpty();
    double[] expected = down(start, 1, gradient(above, at -> meanEntropy(at, again, statistics)));
    try (AdaptiveModel model =
        open(
            "tbn+sar[margin=%s;rho=0.05;reset-below=0.01;%s]"
                .formatted(bound / Math.log(CLASSES), WHOLE))) {
      answer(model, images);

      assertMoved(parameters(model.state()), expected, start);
      assertThat(model.state().tensors().get("loss_average").toFloatArray()[0])
          .isCloseTo((float) meanEntropy(above, again, statistics), within(1e-5f));
    }
  }

  private double meanEntropy(
      double[] at, List<Integer> chosen, PlainTwoSites.Statistics statistics) {
    double[][] logits = plain.logits(images, at, statistics);
    return chosen.stream()
        .mapToDouble(b -> PlainPredictions.entropy(logits[b]))
        .average()
        .orElseThrow();
  }

  @Test
  void sarReturnsToTheStartWhenItsLossCollapses() {
    try (AdaptiveModel model = open("tbn+sar[margin=1;reset-below=1000;learning-rate=0.1]")) {
      AdaptationState start = model.state();
      answer(model, images);

      start
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(model.state().tensors().get(name).toFloatArray())
                      .as(name)
                      .isEqualTo(tensor.toFloatArray()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tbn, tent",
    "alpha-bn, core",
    "unmix-tns[components=3], tent",
    "ema, eta",
    "adab2n[tasks=detected], tent",
    "bn-prior, sar"
  })
  void withoutALearningRateItIsTheMethodAlone(String base, String companion) {
    try (AdaptiveModel alone = open(base);
        AdaptiveModel both = open(base + "+" + companion + "[learning-rate=0]")) {
      for (int seed = 0; seed < 3; seed++) {
        Tensor batch = TwoSiteModel.images(BATCH, seed);
        float[] expected = answer(alone, batch);
        assertThat(
                PlainNormalization.relativeError(
                    answer(both, batch), PlainNormalization.widen(expected)))
            .isLessThan(1e-5);
      }
      AdaptationState end = both.state();
      alone
          .state()
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(
                          PlainNormalization.relativeError(
                              end.tensors().get(name).toFloatArray(),
                              PlainNormalization.widen(tensor.toFloatArray())))
                      .as(name)
                      .isLessThan(1e-5));
      assertThat(parameters(end)).isEqualTo(plain.start());
    }
  }

  @Test
  void answersAreThoseFromBeforeTheStep() {
    try (AdaptiveModel alone = open("tbn");
        AdaptiveModel learning = open("tbn+tent[learning-rate=0.5;max-step=10]")) {
      float[] expected = answer(alone, images);

      assertThat(
              PlainNormalization.relativeError(
                  answer(learning, images), PlainNormalization.widen(expected)))
          .isLessThan(1e-5);
      assertThat(
              PlainNormalization.relativeError(
                  answer(learning, images), PlainNormalization.widen(expected)))
          .isGreaterThan(1e-2);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tent[learning-rate=1000000]",
        "tent[learning-rate=1000000;optimizer=sgd]",
        "tent[learning-rate=1e39;optimizer=sgd;steps=2]",
        "core[learning-rate=1000000]",
        "eta[learning-rate=1000000;margin=1]",
        "sar[learning-rate=1000000;margin=1]"
      })
  void anExplodingStepIsNotTaken_statisticsAdaptAllTheSame(String companion) {
    try (AdaptiveModel model = open("ema+" + companion)) {
      AdaptationState start = model.state();
      answer(model, images);
      AdaptationState next = model.state();

      assertThat(parameters(next)).isEqualTo(plain.start());
      for (String name : next.tensors().keySet()) {
        boolean ofStatistics = name.startsWith("running_");
        boolean ofLosses = Method.parse("ema+" + companion).name().matches(".*(core|eta|sar)");
        float[] after = next.tensors().get(name).toFloatArray();
        if (ofStatistics) {
          assertThat(after).as(name).isNotEqualTo(start.tensors().get(name).toFloatArray());
        } else if (!ofLosses) {
          assertThat(after).as(name).isEqualTo(start.tensors().get(name).toFloatArray());
        }
      }
    }
  }

  @Test
  void longGradientsAreCut() {
    double[] whole = learnt("tbn+tent[" + WHOLE + "]");
    double length = norm(PlainNormalization.mix(1, whole, -1, plain.start()));
    double[] cut = learnt("tbn+tent[max-gradient-norm=" + length / 4 + ";" + WHOLE + "]");
    double[] uncut = learnt("tbn+tent[max-gradient-norm=" + length * 4 + ";" + WHOLE + "]");

    assertThat(norm(PlainNormalization.mix(1, cut, -1, plain.start())))
        .isCloseTo(length / 4, within(1e-4 * length));
    assertThat(uncut).isEqualTo(whole);
  }

  /** The network with a Softmax behind its logits. */
  private OnnxModel withSoftmax() {
    ModelProto.Builder model = source.proto().toBuilder();
    GraphProto.Builder graph = model.getGraphBuilder();
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Softmax")
            .setName("softmax")
            .addInput("logits")
            .addOutput("probabilities"));
    graph.setOutput(0, graph.getOutput(0).toBuilder().setName("probabilities"));
    return OnnxModel.parse(model.build().toByteArray(), "with-softmax");
  }

  @Test
  void learnsFromTheScoresBeforeASoftmax() {
    AdaptedModel adapted =
        AdaptedModel.adapt(withSoftmax(), Method.parse("tbn+tent[" + WHOLE + "]"));
    try (AdaptiveModel model =
        AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD)) {
      model.run(Map.of("image", images));

      assertMoved(parameters(model.state()), learnt("tbn+tent[" + WHOLE + "]"), plain.start());
    }
  }

  @Test
  void refusesOutputsThatAreNoScores() {
    assertThatThrownBy(() -> adapt("tent[output=features]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("needs FP32 scores [batch, classes]")
        .hasMessageContaining("features")
        .hasMessageContaining("one of logits, features");
    assertThatThrownBy(() -> adapt("tent[output=nothing]"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no output 'nothing': expected one of logits, features");
    assertThat(adapt("tent[output=logits]").adaptedSites()).isEqualTo(2);
  }

  @Test
  void everythingLearntIsPackedStateInTheMetadata() {
    AdaptedModel adapted = adapt("unmix-tns[components=2]+tent");
    String json = adapted.model().metadata("acclimate.state").orElseThrow();

    assertThat(json)
        .contains("\"method\":\"unmix-tns+tent\"")
        .contains("\"components\":\"2\"")
        .contains("\"tent.learning-rate\":\"1.0E-5\"");
    AdaptationState state = adapted.initialState(0, null);
    assertThat(state.tensors().keySet())
        .containsExactlyInAnyOrder(
            "component_mean",
            "component_var",
            "gamma",
            "beta",
            "gamma_first_moment",
            "gamma_second_moment",
            "beta_first_moment",
            "beta_second_moment",
            "optimizer_steps");
    for (String name : state.tensors().keySet()) {
      assertThat(json).contains("\"acclimate/" + name + "\"", "\"acclimate/" + name + "/next\"");
    }
    assertThat(parameters(state)).isEqualTo(plain.start());
  }

  /**
   * The whole of ResNet-20: the state moves by the gradient that the network has in training mode,
   * which is tested against one written by hand where it is made.
   */
  @Test
  void tentOnAResNetStepsDownTheGradientInTrainingMode() {
    assumeTrue(Files.exists(RESNET), "no real model beside the repository");
    OnnxModel resnet = OnnxModel.read(RESNET);
    Tensor batch = Tensor.of(gaussian(4 * 3 * 32 * 32), 4, 3, 32, 32);
    AdaptedModel adapted =
        AdaptedModel.adapt(resnet, Method.parse("tbn+tent[" + WHOLE + ";output=logits]"));
    AdaptationState start = adapted.initialState(0, null);
    try (AdaptiveModel model = AdaptiveModel.open(adapted, start, ONE_THREAD)) {
      model.run(Map.of("input", batch));

      assertMoved(
          parameters(model.state()),
          down(parameters(start), 1, gradientInTrainingMode(resnet, batch)),
          parameters(start));
    }
  }

  private static float[] gaussian(int size) {
    SplittableRandom random = new SplittableRandom(1);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Of the mean entropy, with respect to all gamma, then all beta. */
  private static double[] gradientInTrainingMode(OnnxModel model, Tensor batch) {
    GraphEditor forward = new GraphEditor(model);
    OperatorWriter ops = forward.writer("loss/");
    String loss = ops.reduceMean(new Logits("logits", 10).predictions(ops).entropy(), false, 0);
    forward.append(ops.nodes());
    List<String> parameters = new ArrayList<>();
    for (int input : new int[] {1, 2}) {
      model.graph().getNodeList().stream()
          .filter(node -> node.getOpType().equals("BatchNormalization"))
          .forEach(node -> parameters.add(node.getInput(input)));
    }
    assertThat(parameters).doesNotHaveDuplicates();
    GraphEditor backward = new GraphEditor(forward.build());
    Map<String, String> gradients =
        Backpropagation.append(backward, loss, parameters, Backpropagation.Normalization.BATCH)
            .gradients();
    gradients.values().forEach(name -> backward.addOutput(name, ElementType.FP32, -1));
    try (ModelSession session = ModelSession.open(backward.build(), ONE_THREAD)) {
      Map<String, Tensor> results = session.run(Map.of("input", batch));
      return parameters.stream()
          .map(name -> results.get(gradients.get(name)).toFloatArray())
          .flatMapToDouble(values -> Arrays.stream(PlainNormalization.widen(values)))
          .toArray();
    }
  }
}
