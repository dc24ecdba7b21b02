package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Laws of AdaB2N, beside the formulas that {@link MethodGraphsTest} checks. */
class Adab2nTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final int SIZE = 3 * 6 * 6;

  private static AdaptiveModel open(String method) {
    AdaptedModel adapted = AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse(method));
    return AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
  }

  private static Tensor tasks(long... ids) {
    Tensor tasks = Tensor.allocate(ElementType.INT64, ids.length);
    tasks.longs().put(ids);
    return tasks;
  }

  private static float[] run(AdaptiveModel model, Tensor images, long... ids) {
    Map<String, Tensor> batch =
        ids.length == 0
            ? Map.of("image", images)
            : Map.of("image", images, AdaptiveModel.TASK_INPUT, tasks(ids));
    return model.run(batch).outputs().get("logits").toFloatArray();
  }

  private static float[] state(AdaptiveModel model, String name) {
    return model.state().tensors().get(name).toFloatArray();
  }

  /** A domain's images: the seed's, all moved by an offset. */
  private static void move(Tensor images, int from, int to, float offset) {
    for (int i = from * SIZE; i < to * SIZE; i++) {
      images.floats().put(i, images.floats().get(i) + offset);
    }
  }

  /** The first site's, since what follows sees the other variance too. */
  @Test
  void kappaOneOnOneTaskIsEmaButForItsBiasedVariance() {
    OneSiteModel site = OneSiteModel.random(3, new long[] {2, 2}, 0, 17, 5, false);
    AdaptedModel ema = AdaptedModel.adapt(site.model(), Method.parse("ema[momentum=0.3]"));
    AdaptedModel ours =
        AdaptedModel.adapt(site.model(), Method.parse("adab2n[kappa=1;momentum=0.3;tasks=none]"));
    int batch = 2;
    int n = batch * 4;
    float[] x = new float[n * 3];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 7919 % 101) / 20f;
    }
    try (AdaptiveModel theirs = AdaptiveModel.open(ema, ema.initialState(0, null), ONE_THREAD);
        AdaptiveModel model = AdaptiveModel.open(ours, ours.initialState(0, null), ONE_THREAD)) {
      for (int step = 0; step < 3; step++) {
        float[] before = state(model, "running_var");
        float[] theirsBefore = state(theirs, "running_var");
        model.run(Map.of("x", Tensor.of(x, batch, 3, 2, 2)));
        theirs.run(Map.of("x", Tensor.of(x, batch, 3, 2, 2)));

        assertThat(state(model, "running_mean"))
            .containsExactly(state(theirs, "running_mean"), within(1e-5f));
        float[] variance = state(model, "running_var");
        float[] unbiased = state(theirs, "running_var");
        for (int c = 0; c < 3; c++) {
          float taken = variance[c] - 0.7f * before[c];
          float theirsTaken = unbiased[c] - 0.7f * theirsBefore[c];
          assertThat(taken).isCloseTo(theirsTaken * (n - 1) / n, within(1e-4f));
        }
        assertThat(state(model, "eta")[0]).isCloseTo(0.3f, within(1e-6f));
      }
    }
  }

  @Test
  void kappaZeroIsTheMeanOverAllBatches() {
    OneSiteModel site = OneSiteModel.random(3, new long[] {2, 2}, 0, 17, 5, false);
    AdaptedModel adapted = AdaptedModel.adapt(site.model(), Method.parse("adab2n[kappa=0]"));
    PlainNormalization plain = new PlainNormalization(site);
    double[] mean = new double[3];
    double[] variance = new double[3];
    int steps = 6;
    try (AdaptiveModel model =
        AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD)) {
      for (int step = 0; step < steps; step++) {
        double[][][] x = new double[2][3][4];
        for (int i = 0; i < 24; i++) {
          x[i / 12][i / 4 % 3][i % 4] = (i * 7919 * (step + 1) % 101) / 16.0;
        }
        float[] values = new float[24];
        for (int i = 0; i < 24; i++) {
          values[i] = (float) x[i / 12][i / 4 % 3][i % 4];
        }
        model.run(Map.of("x", Tensor.of(values, 2, 3, 2, 2)));
        mean = PlainNormalization.mix(1, mean, 1.0 / steps, plain.batchMean(x));
        variance = PlainNormalization.mix(1, variance, 1.0 / steps, plain.batchVariance(x));
        assertThat(state(model, "eta")[0]).isCloseTo(1f / (step + 1), within(1e-6f));
      }
      assertThat(PlainNormalization.relativeError(state(model, "running_mean"), mean))
          .isLessThan(1e-5);
      assertThat(PlainNormalization.relativeError(state(model, "running_var"), variance))
          .isLessThan(1e-5);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.2, 0.5, 0.9})
  void stepsShrinkFromMToTheKappaToTheirLimit(double kappa) {
    try (AdaptiveModel model = open("adab2n[kappa=" + kappa + "]");
        Tensor images = TwoSiteModel.images(2, 1)) {
      assertThat(state(model, "eta")).containsExactly(0);
      float last = 1;
      for (int step = 0; step < 60; step++) {
        run(model, images);
        float eta = state(model, "eta")[0];
        if (step == 0) {
          assertThat(eta).isCloseTo((float) Math.pow(0.1, kappa), within(1e-6f));
        }
        assertThat(eta).isLessThanOrEqualTo(last);
        last = eta;
      }
      double limit = 1 - Math.pow(0.9, kappa);
      assertThat(last / 1.0).isBetween(limit - 1e-6, limit + 0.01);
    }
  }

  @Test
  void namesOfTasksDoNotMatter() {
    try (AdaptiveModel first = open("adab2n");
        AdaptiveModel second = open("adab2n")) {
      for (int step = 0; step < 3; step++) {
        try (Tensor images = TwoSiteModel.images(5, step)) {
          // ids that float32 could not tell apart among them
          float[] answer = run(first, images, 0, 1, 0, 2, 1);

          assertThat(run(second, images, (1L << 60) + 1, -5, (1L << 60) + 1, 1L << 60, -5))
              .containsExactly(answer);
        }
      }
      assertThat(state(second, "running_mean")).containsExactly(state(first, "running_mean"));
      assertThat(state(second, "running_var")).containsExactly(state(first, "running_var"));
    }
  }

  @Test
  void withoutIdsAllSamplesAreOfOneTask() {
    try (AdaptiveModel without = open("adab2n");
        AdaptiveModel one = open("adab2n");
        AdaptiveModel none = open("adab2n[tasks=none]")) {
      for (int step = 0; step < 3; step++) {
        try (Tensor images = TwoSiteModel.images(4 + step, step)) { // other sizes too
          float[] answer = run(without, images);

          long[] sevens = new long[4 + step];
          Arrays.fill(sevens, 7);
          assertThat(run(one, images, sevens)).containsExactly(answer);
          assertThat(run(none, images)).containsExactly(answer, within(1e-5f));
        }
      }
    }
  }

  @Test
  void permutingSamplesAndTheirTasksPermutesAnswersOnly() {
    int[] order = {3, 0, 4, 1, 2};
    long[] ids = {0, 1, 0, 2, 1};
    try (AdaptiveModel model = open("adab2n");
        AdaptiveModel shuffled = open("adab2n");
        Tensor images = TwoSiteModel.images(5, 1);
        Tensor others = images.copy()) {
      long[] otherIds = new long[5];
      for (int b = 0; b < 5; b++) {
        others.floats().put(b * SIZE, images.toFloatArray(), order[b] * SIZE, SIZE);
        otherIds[b] = ids[order[b]];
      }
      for (int step = 0; step < 3; step++) {
        float[] logits = run(model, images, ids);
        float[] otherLogits = run(shuffled, others, otherIds);
        for (int b = 0; b < 5; b++) {
          for (int k = 0; k < 5; k++) {
            assertThat(otherLogits[5 * b + k]).isCloseTo(logits[5 * order[b] + k], within(1e-5f));
          }
        }
      }
      assertThat(state(shuffled, "running_mean"))
          .containsExactly(state(model, "running_mean"), within(1e-6f));
    }
  }

  @Test
  void aLoneSampleOfATaskWeighsMoreThanOneOfMany() {
    try (AdaptiveModel balanced = open("adab2n[kappa=0]");
        AdaptiveModel plain = open("adab2n[kappa=0;tasks=none]");
        AdaptiveModel others = open("adab2n[kappa=0]");
        AdaptiveModel alone = open("adab2n[kappa=0]");
        Tensor images = TwoSiteModel.images(8, 1);
        Tensor last =
            Tensor.of(Arrays.copyOfRange(images.toFloatArray(), 7 * SIZE, 8 * SIZE), 1, 3, 6, 6)) {
      run(balanced, images, 0, 0, 0, 0, 0, 0, 0, 1);
      run(plain, images);
      run(others, images.first(7));
      run(alone, last);
      // concentrations are 1 + 7 and 1 + 1
      for (int c = 0; c < 4; c++) {
        float expected =
            0.8f * state(others, "running_mean")[c] + 0.2f * state(alone, "running_mean")[c];
        assertThat(state(balanced, "running_mean")[c]).isCloseTo(expected, within(1e-5f));
      }
      assertThat(state(plain, "running_mean")[0])
          .isNotCloseTo(state(balanced, "running_mean")[0], within(1e-3f));
    }
  }

  @Test
  void tasksWithoutASlotShareTheLast() {
    try (AdaptiveModel beyond = open("adab2n[renormalize=false;slots=3]");
        AdaptiveModel within = open("adab2n[renormalize=false;slots=3]");
        Tensor images = TwoSiteModel.images(5, 1)) {
      float[] answer = run(within, images, 0, 1, 2, 2, 2);

      assertThat(run(beyond, images, 0, 1, 2, 77, -1)).containsExactly(answer);
      assertThat(state(beyond, "task_seen")).containsExactly(1, 1, 1);
    }
  }

  @Test
  void refusesTaskIdsForAnotherNumberOfSamples() {
    try (AdaptiveModel model = open("adab2n");
        Tensor images = TwoSiteModel.images(5, 1)) {
      assertThatThrownBy(() -> run(model, images, 0, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("input 'acclimate/task' has batch 2, the inputs before it 5");
    }
  }

  @Test
  void methodsWithoutTasksIgnoreThem() {
    try (AdaptiveModel model = open("ema");
        AdaptiveModel same = open("ema");
        Tensor images = TwoSiteModel.images(3, 1)) {
      assertThat(run(model, images, 0, 1, 2)).containsExactly(run(same, images));
    }
  }

  @Test
  void aSiteWithoutSpatialAxisFoldsInTheNoughtVarianceOfALoneSample() {
    OneSiteModel site = OneSiteModel.random(4, new long[] {}, 0, 17, 3, false);
    AdaptedModel adapted = AdaptedModel.adapt(site.model(), Method.parse("adab2n[kappa=1]"));
    try (AdaptiveModel model =
        AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD)) {
      model.run(Map.of("x", Tensor.of(new float[] {1, -2, 3, 0.5f}, 1, 4)));

      float[] variance = state(model, "running_var");
      for (int c = 0; c < 4; c++) {
        assertThat(variance[c]).isCloseTo(0.9f * site.variance()[c], within(1e-6f));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"adab2n", "adab2n[tasks=detected;radius=0.3]", "adab2n[renormalize=false]"})
  void goesOnFromAStateFileBitForBit(String method, @TempDir Path folder) {
    AdaptedModel adapted = AdaptedModel.adapt(TwoSiteModel.of(1), Method.parse(method));
    Path file = folder.resolve("state.safetensors");
    try (AdaptiveModel model =
            AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
        Tensor images = TwoSiteModel.images(5, 1)) {
      run(model, images, 0, 1, 0, 2, 1);
      model.state().write(file);
      float[] second = run(model, images, 1, 1, 0, 2, 1);
      try (AdaptiveModel again =
          AdaptiveModel.open(adapted, AdaptationState.read(file, adapted), ONE_THREAD)) {
        assertThat(again.step()).isEqualTo(1);
        assertThat(run(again, images, 1, 1, 0, 2, 1)).containsExactly(second);
      }
    }
  }

  @Test
  void detectedDomainsBalanceAsGivenOnesDo() {
    try (AdaptiveModel detected = open("adab2n[tasks=detected;radius=20]");
        AdaptiveModel given = open("adab2n");
        Tensor images = TwoSiteModel.images(6, 1)) {
      move(images, 4, 6, 50);
      float[] answer = run(given, images, 0, 0, 0, 0, 1, 1);

      assertThat(run(detected, images)).containsExactly(answer, within(1e-5f));
    }
  }

  /** A site after a reshape that makes more rows than there are samples. */
  private static OnnxModel reshaping() {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("reshaping")
            .addInput(value("x", "batch", 4, 4))
            .addOutput(value("y", "rows", 2, 4))
            .addInitializer(
                TensorProto.newBuilder()
                    .setName("shape")
                    .setDataType(TensorProto.DataType.INT64.getNumber())
                    .addDims(3)
                    .addInt64Data(-1)
                    .addInt64Data(2)
                    .addInt64Data(4))
            .addNode(node("Reshape", "h", "x", "shape"))
            .addNode(node("BatchNormalization", "y", "h", "gamma", "beta", "mean", "variance"));
    for (String name : List.of("gamma", "beta", "mean", "variance")) {
      float value = name.equals("gamma") || name.equals("variance") ? 1 : 0;
      graph.addInitializer(OneSiteModel.floats(name, new float[] {value, value}, 2));
    }
    ModelProto proto =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
            .setGraph(graph)
            .build();
    return OnnxModel.parse(proto.toByteArray(), "reshaping");
  }

  private static NodeProto node(String type, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(type)
        .setName(type)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static ValueInfoProto value(String name, String rows, long... inner) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(rows));
    for (long size : inner) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(size));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(shape)))
        .build();
  }

  @Test
  void aSiteWhoseRowsAreNotTheSamplesCountsThemAlike() {
    AdaptedModel adapted = AdaptedModel.adapt(reshaping(), Method.parse("adab2n"));
    AdaptedModel plain = AdaptedModel.adapt(reshaping(), Method.parse("adab2n[tasks=none]"));
    float[] values = new float[3 * 16];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 7919 % 101 / 20f;
    }
    try (AdaptiveModel model =
            AdaptiveModel.open(adapted, adapted.initialState(0, null), ONE_THREAD);
        AdaptiveModel alike = AdaptiveModel.open(plain, plain.initialState(0, null), ONE_THREAD);
        Tensor x = Tensor.of(values, 3, 4, 4)) {
      BatchResult result = model.run(Map.of("x", x, AdaptiveModel.TASK_INPUT, tasks(0, 0, 1)));

      assertThat(result.outputs().get("y").toFloatArray())
          .containsExactly(alike.run(Map.of("x", x)).outputs().get("y").toFloatArray());
    }
  }
}
