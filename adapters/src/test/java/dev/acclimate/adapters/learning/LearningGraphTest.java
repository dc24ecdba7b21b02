package dev.acclimate.adapters.learning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.adapters.learning.LearningRate.Schedule;
import dev.acclimate.models.Constants;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.Adam;
import dev.acclimate.models.gradients.Optimizer;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LearningGraphTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final OnnxModel MODEL = TinyClassifier.create(5);
  private static final int TASKS = 3;

  private static LearningGraph graph(String method, Optimizer optimizer, double rate) {
    return LearningGraph.of(
        MODEL,
        new LearningSettings(
            LearningMethod.parse(method),
            optimizer,
            LearningRate.constant(rate),
            ParameterSet.all(),
            0));
  }

  private static LabelledBatch batch(int size, int tasks, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    LabelledBatch batch = new LabelledBatch(size, TinyClassifier.INPUTS, TinyClassifier.POSITIONS);
    for (int row = 0; row < size; row++) {
      float[] values = new float[TinyClassifier.INPUTS * TinyClassifier.POSITIONS];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (random.nextGaussian() + 0.5);
      }
      batch.set(
          row,
          FloatBuffer.wrap(values),
          random.nextInt(TinyClassifier.CLASSES),
          row < tasks ? row : random.nextInt(tasks));
    }
    batch.resize(size);
    return batch;
  }

  /**
   * Plain descent at rate 1 shows the gradient: of convolutions, scales, offsets, the linear layer
   * and psi, through mu and var of two sites, against central differences in double precision.
   */
  @Property(tries = 25)
  void balancedStatisticsAreDifferentiatedAsThePaperHasThem(
      @ForAll @IntRange(min = 4, max = 9) int size,
      @ForAll @IntRange(min = 1, max = TASKS) int present,
      @ForAll @DoubleRange(min = 0, max = 1) double kappa,
      @ForAll @DoubleRange(min = 0, max = 2) double lambda,
      @ForAll @LongRange(min = 0, max = 1000) long seed) {
    LearningGraph graph =
        graph(
            "adab2n[kappa=%s;lambda=%s;slots=%d]".formatted(kappa, lambda, TASKS),
            new Sgd(0, false, 0),
            1);
    LearningState start = graph.start();
    SplittableRandom random = new SplittableRandom(seed);
    FloatBuffer psi = start.tensor("task_weight").floats();
    while (psi.hasRemaining()) {
      psi.put((float) (0.3 * random.nextGaussian()));
    }
    for (int task = 0; task < TASKS; task++) {
      start.tensor("task_seen").floats().put(task, 1); // those absent from the batch count too
    }
    start.tensor("eta").floats().put(0, 0.3f);
    LabelledBatch batch = batch(size, present, seed);
    Map<String, double[]> values = values(graph, start);
    double kept = Math.pow(0.9, kappa);
    PlainBalancedLoss plain =
        new PlainBalancedLoss(
            samples(batch), labels(batch), tasks(batch), TASKS, 0.3 / (0.3 + kept), lambda);
    double[][] running = new double[4][];
    plain.of(values, running);
    double crossEntropy =
        new PlainBalancedLoss(samples(batch), labels(batch), tasks(batch), TASKS, 0, 0)
            .of(values, running);
    LearningState before = start.copy();

    try (Learner learner = Learner.open(graph, start, ONE_THREAD)) {
      Learner.Outcome outcome = learner.learn(batch);

      assertThat(outcome.loss()).isCloseTo(crossEntropy, within(1e-4));
      Map<String, double[]> after = values(graph, learner.state());
      Map<String, double[]> first = values(graph, before);
      for (String name : after.keySet()) {
        if (name.startsWith("mean") || name.startsWith("var")) {
          int at = 2 * (name.charAt(name.length() - 1) - '1') + (name.startsWith("var") ? 1 : 0);
          assertThat(after.get(name)).as(name).containsExactly(running[at], within(2e-5));
          continue;
        }
        double[] parameter = values.get(name);
        for (int i = 0; i < parameter.length; i++) {
          double found = first.get(name)[i] - after.get(name)[i];
          double expected = slope(plain, values, running, parameter, i);
          assertThat(found)
              .as("%s[%d]", name, i)
              .isCloseTo(expected, within(2e-4 + 2e-3 * Math.abs(expected)));
        }
      }
    }
  }

  private static double slope(
      PlainBalancedLoss plain,
      Map<String, double[]> values,
      double[][] running,
      double[] parameter,
      int index) {
    double step = 1e-6;
    double kept = parameter[index];
    parameter[index] = kept + step;
    double above = plain.of(values, running);
    parameter[index] = kept - step;
    double below = plain.of(values, running);
    parameter[index] = kept;
    return (above - below) / (2 * step);
  }

  private static Map<String, double[]> values(LearningGraph graph, LearningState state) {
    Constants baked = new Constants(graph.baked(state).graph());
    Map<String, double[]> values = new LinkedHashMap<>();
    for (String name :
        new String[] {"w1", "gamma1", "beta1", "w2", "gamma2", "beta2", "fc", "bias"}) {
      values.put(name, doubles(baked.real(name).orElseThrow()));
    }
    values.put("psi", doubles(state.tensor("task_weight")));
    for (int site = 1; site <= 2; site++) {
      int from = (site - 1) * TinyClassifier.WIDTH;
      values.put("mean" + site, doubles(state.tensor("running_mean").slice(from, 3)));
      values.put("var" + site, doubles(state.tensor("running_var").slice(from, 3)));
    }
    return values;
  }

  private static double[] doubles(Tensor tensor) {
    float[] values = tensor.toFloatArray();
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }

  private static double[][][] samples(LabelledBatch batch) {
    double[][][] x = new double[batch.size()][TinyClassifier.INPUTS][TinyClassifier.POSITIONS];
    for (int b = 0; b < x.length; b++) {
      FloatBuffer row = batch.row(b);
      for (double[] channel : x[b]) {
        for (int p = 0; p < channel.length; p++) {
          channel[p] = row.get();
        }
      }
    }
    return x;
  }

  private static long[] labels(LabelledBatch batch) {
    long[] labels = new long[batch.size()];
    for (int b = 0; b < labels.length; b++) {
      labels[b] = batch.label(b);
    }
    return labels;
  }

  private static int[] tasks(LabelledBatch batch) {
    int[] tasks = new int[batch.size()];
    for (int b = 0; b < tasks.length; b++) {
      tasks[b] = (int) batch.task(b);
    }
    return tasks;
  }

  @Test
  void projectionKeepsHiddenWeightsAndScalesAtTheirNormAndLeavesTheOutputLayer() {
    LearningGraph graph = graph("bn+nap", new Sgd(0.9, false, 0), 0.1);
    LearningState start = graph.start();
    Map<String, Double> before = norms(graph, start);
    try (Learner learner = Learner.open(graph, start.copy(), ONE_THREAD)) {
      for (int i = 0; i < 20; i++) {
        learner.learn(batch(8, 1, i));
      }
      Map<String, Double> after = norms(graph, learner.state());

      assertThat(after.get("w1")).isCloseTo(before.get("w1"), within(1e-5));
      assertThat(after.get("w2")).isCloseTo(before.get("w2"), within(1e-5));
      for (int site = 1; site <= 2; site++) {
        assertThat(Math.hypot(after.get("gamma" + site), after.get("beta" + site)))
            .isCloseTo(
                Math.hypot(before.get("gamma" + site), before.get("beta" + site)), within(1e-5));
        assertThat(after.get("beta" + site)).isNotCloseTo(before.get("beta" + site), within(1e-3));
      }
      assertThat(after.get("fc")).isNotCloseTo(before.get("fc"), within(1e-3));
      assertThat(learner.state().tensor("weights").toFloatArray())
          .isNotEqualTo(start.tensor("weights").toFloatArray());
    }
  }

  @Test
  void projectionInEveryThirdStepLeavesTheOthersFree() {
    LearningGraph graph = graph("bn+nap[every=3]", new Sgd(0, false, 0), 5);
    LearningState start = graph.start();
    double before = norms(graph, start).get("w1");
    try (Learner learner = Learner.open(graph, start, ONE_THREAD)) {
      for (int i = 1; i <= 6; i++) {
        learner.learn(batch(8, 1, i));
        double norm = norms(graph, learner.state()).get("w1");
        if (i % 3 == 0) {
          assertThat(norm).as("step %d", i).isCloseTo(before, within(1e-5));
        } else {
          assertThat(norm).as("step %d", i).isNotCloseTo(before, within(1e-4));
        }
      }
    }
  }

  private static Map<String, Double> norms(LearningGraph graph, LearningState state) {
    Constants baked = new Constants(graph.baked(state).graph());
    Map<String, Double> norms = new LinkedHashMap<>();
    for (String name : new String[] {"w1", "gamma1", "beta1", "w2", "gamma2", "beta2", "fc"}) {
      double squares = 0;
      for (double value : doubles(baked.real(name).orElseThrow())) {
        squares += value * value;
      }
      norms.put(name, Math.sqrt(squares));
    }
    return norms;
  }

  @Test
  void answersAreThoseOfTheBakedModelAndTrainingLowersTheLoss() {
    LearningGraph graph = graph("bn", new Adam(0.9, 0.999, 1e-8, 0), 0.02);
    LabelledBatch batch = batch(12, 1, 3);
    try (Learner learner = Learner.open(graph, graph.start(), ONE_THREAD)) {
      double first = learner.learn(batch).loss();
      double last = first;
      for (int i = 0; i < 60; i++) {
        last = learner.learn(batch).loss();
      }
      assertThat(last).isLessThan(0.7 * first);
      float[] answers = learner.answer(batch.inputs()).toFloatArray();
      try (ModelSession baked = ModelSession.open(graph.baked(learner.state()), ONE_THREAD)) {
        float[] plain =
            Objects.requireNonNull(baked.run(Map.of("x", batch.inputs())).get("logits"))
                .toFloatArray();
        assertThat(answers).containsExactly(plain, within(1e-5f));
      }
    }
  }

  @Test
  void aStepThatIsNotFiniteLeavesNoTrace() {
    LearningGraph graph = graph("bn+nap", new Sgd(0.9, true, 0), 0.1);
    LabelledBatch poisoned = batch(6, 1, 1);
    poisoned.row(2).put(1, Float.NaN);
    try (Learner learner = Learner.open(graph, graph.start(), ONE_THREAD)) {
      learner.learn(batch(6, 1, 0));
      LearningState before = learner.state().copy();

      assertThat(learner.learn(poisoned).accepted()).isFalse();

      assertThat(learner.rejected()).isEqualTo(1);
      before
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(learner.state().tensor(name).toFloatArray())
                      .as(name)
                      .isEqualTo(tensor.toFloatArray()));
    }
  }

  @Test
  void savedInBetweenItGoesOnToTheBit(@TempDir Path folder) {
    LearningGraph graph = graph("adab2n[slots=3]+nap", Adam.standard(), 0.05);
    Path file = folder.resolve("learnt.safetensors");
    try (Learner straight = Learner.open(graph, graph.start(), ONE_THREAD)) {
      for (int i = 0; i < 5; i++) {
        straight.learn(batch(7, 2, i));
      }
      straight.state().write(file);
      try (Learner restored = Learner.open(graph, LearningState.read(file, graph), ONE_THREAD)) {
        for (int i = 5; i < 9; i++) {
          straight.learn(batch(7, 3, i));
          restored.learn(batch(7, 3, i));
        }
        straight
            .state()
            .tensors()
            .forEach(
                (name, tensor) ->
                    assertThat(restored.state().tensor(name).toFloatArray())
                        .as(name)
                        .isEqualTo(tensor.toFloatArray()));
        assertThat(restored.state().step()).isEqualTo(9);
      }
    }
    assertThatThrownBy(() -> LearningState.read(file, graph("bn", Adam.standard(), 0.05)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("learning method: expected bn, found adab2n[slots=3]+nap");
  }

  /** Each step of plain descent moves the bias by rate times gradient: ratios are the schedule. */
  @Test
  void ratesInTheGraphAreThoseOfTheSchedule() {
    LearningRate rate = new LearningRate(0.2, Schedule.COSINE, 4, 10);
    LearningGraph scheduled =
        LearningGraph.of(
            MODEL,
            new LearningSettings(
                LearningMethod.parse("bn"),
                new Sgd(0, false, 0),
                rate,
                ParameterSet.parse("bias"),
                0));
    LabelledBatch batch = batch(6, 1, 2);
    for (long step = 0; step < 12; step++) {
      LearningState start = scheduled.start();
      start.tensor("learning_step").floats().put(0, (float) step);
      LearningState once = scheduled.start();
      try (Learner learner = Learner.open(scheduled, start, ONE_THREAD);
          Learner first = Learner.open(scheduled, once, ONE_THREAD)) {
        float origin = scheduled.start().tensor("affine").floats().get(0);
        learner.learn(batch);
        first.learn(batch);
        double moved = learner.state().tensor("affine").floats().get(0) - origin;
        double unit = (first.state().tensor("affine").floats().get(0) - origin) / rate.at(0);
        assertThat(moved).as("step %d", step).isCloseTo(rate.at(step) * unit, within(1e-6));
      }
    }
    assertThat(rate.at(0)).isEqualTo(0.05);
    assertThat(rate.at(10)).isCloseTo(0, within(1e-12));
  }

  @Test
  void whatCannotLearnIsRefused() {
    assertThatThrownBy(() -> LearningMethod.parse("tbn"))
        .hasMessage("learning method 'tbn': expected bn or adab2n, and nothing or +nap behind it");
    assertThatThrownBy(() -> LearningMethod.parse("bn+nap[every=0]"))
        .hasMessageContaining("option 'every': expected a whole number from 1");
    assertThatThrownBy(() -> LearningRate.constant(0))
        .hasMessage("learning rate: expected a number above 0, found 0.0");
  }
}
