package dev.acclimate.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto;
import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.learning.LabelledBatch;
import dev.acclimate.adapters.learning.Learner;
import dev.acclimate.adapters.learning.LearningGraph;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.LearningSettings;
import dev.acclimate.models.Constants;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.builtin.BuiltinSeriesModel;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole network in the form for batches of one size, against the form for any. */
class BatchesOfOneSizeTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final double TOLERANCE = 1e-5;

  /** Gradients are sums over positions of both signs, in another order. */
  private static final double LEARNT_TOLERANCE = 1e-4;

  private static final int BATCH = 6;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tbn",
        "alpha-bn",
        "bn-prior",
        "ema",
        "unmix-tns",
        "adab2n[tasks=detected]",
        "adab2n[renormalize=false;slots=4;normalize=batch]",
        "tbn+tent",
        "alpha-bn+core",
        "unmix-tns+tent[steps=2]",
        "ema+eta[margin=1]",
        "tbn+tent[parameters=all]"
      })
  void answersAndStatesAreThoseOfTheFormForAnySize(String method) {
    checkAnswersAndStates(BuiltinModel.load(), method);
  }

  @ParameterizedTest
  @ValueSource(strings = {"alpha-bn", "ema", "unmix-tns", "tbn+tent", "unmix-tns+tent[steps=2]"})
  void soTheyAreOfSeries(String method) {
    checkAnswersAndStates(BuiltinSeriesModel.load(), method);
  }

  private static void checkAnswersAndStates(OnnxModel builtin, String method) {
    AdaptedModel adapted = AdaptedModel.adapt(builtin, Method.parse(method));
    AdaptationState start = adapted.initialState(1, null);
    SplittableRandom random = new SplittableRandom(1);
    try (AdaptiveModel any = AdaptiveModel.open(adapted, start, ONE_THREAD);
        AdaptiveModel one = AdaptiveModel.open(adapted, start, ONE_THREAD.forBatchesOf(BATCH))) {
      // the last batch is smaller: the form for one size hands it on
      for (int samples : new int[] {BATCH, BATCH, BATCH - 1}) {
        Map<String, Tensor> batch = batch(builtin, samples, random);
        assertClose("answer", one.run(batch).outputs(), any.run(batch).outputs());
      }
      assertClose("state", one.state().tensors(), any.state().tensors());
      assertThat(one.step()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @CsvSource({"bn, 6", "bn, 16", "adab2n[kappa=0.5;lambda=0.1;slots=2], 16", "bn+nap, 6"})
  void stepsFromLabelsAreThoseOfTheFormForAnySize(String method, int size) {
    OnnxModel builtin = BuiltinModel.load();
    LearningGraph graph =
        LearningGraph.of(
            builtin,
            new LearningSettings(
                LearningMethod.parse(method),
                new Sgd(0.9, false, 0),
                LearningRate.constant(0.01),
                ParameterSet.all(),
                0));
    SplittableRandom random = new SplittableRandom(1);
    try (Learner any = Learner.open(graph, graph.start(), ONE_THREAD);
        Learner one = Learner.open(graph, graph.start(), ONE_THREAD.forBatchesOf(size))) {
      for (int samples : new int[] {size, size, size - 1}) {
        try (LabelledBatch batch = labelled(samples, random)) {
          double loss = any.learn(batch).loss();
          assertThat(one.learn(batch).loss()).isCloseTo(loss, within(1e-5 * loss));
          float[] expected = any.answer(batch.inputs()).toFloatArray();
          assertThat(distance(one.answer(batch.inputs()).toFloatArray(), expected))
              .isLessThanOrEqualTo(TOLERANCE);
        }
      }
      Map<String, float[]> start = numbers(builtin);
      Map<String, float[]> found = numbers(graph.baked(one.state()));
      numbers(graph.baked(any.state()))
          .forEach(
              (name, expected) -> {
                // what was learnt, which is small beside what was there
                float[] before = start.getOrDefault(name, new float[expected.length]);
                assertThat(distance(minus(found.get(name), before), minus(expected, before)))
                    .as(name)
                    .isLessThanOrEqualTo(LEARNT_TOLERANCE);
              });
    }
  }

  private static Map<String, float[]> numbers(OnnxModel model) {
    Constants constants = new Constants(model.graph());
    return model.graph().getInitializerList().stream()
        .filter(tensor -> tensor.getDataType() == TensorProto.DataType.FLOAT_VALUE)
        .collect(
            Collectors.toMap(
                TensorProto::getName,
                tensor -> constants.real(tensor.getName()).orElseThrow().toFloatArray()));
  }

  private static float[] minus(float[] a, float[] b) {
    float[] difference = a.clone();
    for (int i = 0; i < b.length; i++) {
      difference[i] -= b[i];
    }
    return difference;
  }

  private static LabelledBatch labelled(int samples, SplittableRandom random) {
    LabelledBatch batch = new LabelledBatch(samples, 3, 32, 32);
    for (int row = 0; row < samples; row++) {
      FloatBuffer values = batch.row(row);
      while (values.hasRemaining()) {
        values.put((float) random.nextGaussian(0.3, 1.2));
      }
      batch.label(row, random.nextInt(10), random.nextInt(2));
    }
    batch.resize(samples);
    return batch;
  }

  private static Map<String, Tensor> batch(OnnxModel model, int samples, SplittableRandom random) {
    TensorInfo input = model.inputs().get(0);
    long[] shape =
        input.dimensions().stream().mapToLong(d -> d.isFixed() ? d.size() : samples).toArray();
    Tensor tensor = Tensor.allocate(ElementType.FP32, shape);
    FloatBuffer values = tensor.floats();
    while (values.hasRemaining()) {
      values.put((float) random.nextGaussian(0.3, 1.2));
    }
    return Map.of(input.name(), tensor);
  }

  private static void assertClose(
      String what, Map<String, Tensor> found, Map<String, Tensor> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          float[] theirs = tensor.toFloatArray();
          float[] ours = found.get(name).toFloatArray();
          assertThat(distance(ours, theirs)).as(what + " " + name).isLessThanOrEqualTo(TOLERANCE);
        });
  }

  /** Norm of the difference / norm. */
  private static double distance(float[] found, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) found[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return norm == 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
  }
}
