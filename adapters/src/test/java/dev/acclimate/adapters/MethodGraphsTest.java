package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

/**
 * Every method's graph against the plain double-precision formulas, over random shapes. Seeds are
 * fixed, so that a verdict depends on the code alone; take them out to explore.
 */
class MethodGraphsTest {
  private static final double TOLERANCE = 1e-5;
  private static final int STEPS = 3;
  private static final int TASKS = 4;
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);

  /** What varies from try to try beside the method. */
  @SuppressWarnings("ArrayRecordComponent") // compared by no one
  record Setting(
      int channels,
      long[] spatial,
      int batch,
      boolean fixedBatch,
      long opset,
      boolean convolution) {

    Setting {
      // two or three lone values that happen to lie close together have a variance that float32
      // inputs themselves do not determine to five digits
      if (spatial.length == 0 && batch > 1) {
        batch = Math.max(batch, 4);
      }
    }

    @Override
    public String toString() {
      return "C=%d S=%s B=%d%s opset %d"
          .formatted(channels, Arrays.toString(spatial), batch, fixedBatch ? " fixed" : "", opset);
    }
  }

  @Provide
  Arbitrary<Setting> settings() {
    Arbitrary<long[]> spatial =
        Arbitraries.of(
            new long[] {},
            new long[] {7},
            new long[] {4, 5},
            new long[] {8, 8},
            new long[] {3, 2, 4});
    return Combinators.combine(
            // 16 and 32 are whole blocks of channels, which the CPU form treats apart
            Arbitraries.of(1, 2, 3, 5, 9, 16, 32),
            spatial,
            Arbitraries.integers().between(1, 8),
            Arbitraries.of(true, false),
            Arbitraries.of(9L, 10L, 11L, 12L, 13L, 15L, 17L, 18L, 20L, 21L, 22L, 23L, 24L, 25L),
            Arbitraries.of(true, false))
        .as(Setting::new);
  }

  /** The formulas' side of one step; may keep state. */
  interface Reference {
    double[][][] step(double[][][] x);
  }

  /** The same for methods that read tasks. */
  interface TaskReference {
    double[][][] step(double[][][] x, int[] tasks);
  }

  @Property(tries = 60, seed = "1")
  void testTimeBn(@ForAll("settings") Setting setting, @ForAll @LongRange(max = 999) long seed) {
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    check("tbn", setting, site, seed, plain::testTime);
  }

  @Property(tries = 60, seed = "1")
  void alphaBn(
      @ForAll("settings") Setting setting,
      @ForAll @LongRange(max = 999) long seed,
      @ForAll @IntRange(max = 10) int tenths) {
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    check(
        "alpha-bn[source-weight=" + tenths / 10.0 + "]",
        setting,
        site,
        seed,
        x -> plain.alpha(x, tenths / 10.0));
  }

  @Property(tries = 60, seed = "1")
  void bnPrior(
      @ForAll("settings") Setting setting,
      @ForAll @LongRange(max = 999) long seed,
      @ForAll @IntRange(max = 64) int samples) {
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    check(
        "bn-prior[prior-samples=" + samples + "]",
        setting,
        site,
        seed,
        x -> plain.prior(x, samples));
  }

  @Property(tries = 60, seed = "1")
  void ema(
      @ForAll("settings") Setting setting,
      @ForAll @LongRange(max = 999) long seed,
      @ForAll @IntRange(min = 1, max = 10) int tenths) {
    // a lone value has no variance: at a high momentum the running one dies away within a few steps
    // and dividing by it shows nothing but the rounding of the mean
    Assume.that(setting.spatial().length > 0 || setting.batch() > 1 || tenths <= 5);
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    double[][] running = {plain.sourceMean, plain.sourceVariance};
    AdaptationState end =
        check(
            "ema[momentum=" + tenths / 10.0 + "]",
            setting,
            site,
            seed,
            x -> plain.ema(x, tenths / 10.0, running));
    assertState(end, "running_mean", running[0]);
    assertState(end, "running_var", running[1]);
  }

  @Property(tries = 100, seed = "1")
  void unmixTns(
      @ForAll("settings") Setting setting,
      @ForAll @LongRange(max = 999) long seed,
      @ForAll @IntRange(min = 1, max = 20) int components,
      @ForAll @IntRange(min = 1, max = 10) int tenths) {
    Assume.that(setting.spatial().length > 0);
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    String method =
        "unmix-tns[components=%d;momentum=%s;reference-batch=16]"
            .formatted(components, tenths / 10.0);
    AdaptationState start =
        AdaptedModel.adapt(site.model(), Method.parse(method)).initialState(seed, null);
    double[][] means = rows(start.tensors().get("component_mean"));
    double[][] variances = rows(start.tensors().get("component_var"));
    double lambda = 1 - Math.pow(1 - tenths / 10.0, setting.batch() / 16.0);
    AdaptationState end =
        check(method, setting, site, seed, x -> plain.unmix(x, lambda, 0.07, means, variances));
    assertState(end, "component_mean", PlainNormalization.flatten(means));
    assertState(end, "component_var", PlainNormalization.flatten(variances));
  }

  /** Inference: weights that add up to 1, running statistics normalize. */
  @Property(tries = 100, seed = "1")
  void adab2n(
      @ForAll("settings") Setting setting,
      @ForAll @LongRange(max = 999) long seed,
      @ForAll @IntRange(max = 10) int tenths) {
    // as with ema: the variance of a lone value dies away
    Assume.that(setting.spatial().length > 0 || setting.batch() > 1);
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    double kappa = tenths / 10.0;
    double[][] running = {plain.sourceMean, plain.sourceVariance};
    double[] eta = {0};
    AdaptationState end =
        check(
            "adab2n[kappa=" + kappa + "]",
            Map.of(),
            setting,
            site,
            seed,
            (x, tasks) -> {
              boolean[] all = new boolean[TASKS];
              Arrays.fill(all, true);
              double[] weights = PlainNormalization.taskWeights(tasks, new double[TASKS], all);
              double sum = Arrays.stream(weights).sum();
              double[] normalized = Arrays.stream(weights).map(w -> w / sum).toArray();
              eta[0] = PlainNormalization.nextEta(eta[0], 0.1, kappa);
              return plain.weighted(x, normalized, eta[0], running)[1];
            });
    assertState(end, "eta", eta);
    assertState(end, "running_mean", running[0]);
    assertState(end, "running_var", running[1]);
  }

  /** The reference's form: learnt task weights, absent tasks keep their share, batch normalizes. */
  @Property(tries = 100, seed = "1")
  void adab2nAmongTasksSeen(
      @ForAll("settings") Setting setting,
      @ForAll @LongRange(max = 999) long seed,
      @ForAll @IntRange(max = 10) int tenths) {
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    double kappa = tenths / 10.0;
    double[][] running = {plain.sourceMean, plain.sourceVariance};
    double[] eta = {0};
    double[] psi = {0.3, -0.5, 0, 1};
    boolean[] seen = new boolean[TASKS];
    AdaptationState end =
        check(
            "adab2n[kappa=%s;renormalize=false;slots=%d;normalize=batch]".formatted(kappa, TASKS),
            Map.of("task_weight", PlainNormalization.narrow(psi)),
            setting,
            site,
            seed,
            (x, tasks) -> {
              Arrays.stream(tasks).forEach(task -> seen[task] = true);
              eta[0] = PlainNormalization.nextEta(eta[0], 0.1, kappa);
              double[] weights = PlainNormalization.taskWeights(tasks, psi, seen);
              return plain.weighted(x, weights, eta[0], running)[0];
            });
    assertState(end, "eta", eta);
    assertState(end, "running_mean", running[0]);
    assertState(end, "running_var", running[1]);
  }

  @Property(tries = 20, seed = "1")
  void alphaZeroIsTestTimeBnAndAlphaOneIsSource(
      @ForAll("settings") Setting setting, @ForAll @LongRange(max = 999) long seed) {
    OneSiteModel site = site(setting, seed);
    PlainNormalization plain = new PlainNormalization(site);
    check("alpha-bn[source-weight=0]", setting, site, seed, plain::testTime);
    check("alpha-bn[source-weight=1]", setting, site, seed, plain::source);
    check("bn-prior[prior-samples=0]", setting, site, seed, plain::testTime);
  }

  /** Runs a few batches through both; returns the state in the end. */
  private static AdaptationState check(
      String method, Setting setting, OneSiteModel site, long seed, Reference reference) {
    return check(method, Map.of(), setting, site, seed, (x, tasks) -> reference.step(x));
  }

  private static AdaptationState check(
      String method,
      Map<String, float[]> start,
      Setting setting,
      OneSiteModel site,
      long seed,
      TaskReference reference) {
    AdaptedModel adapted = AdaptedModel.adapt(site.model(), Method.parse(method));
    SplittableRandom random = new SplittableRandom(seed + 1);
    AdaptationState state = adapted.initialState(seed, null);
    start.forEach((name, values) -> state.tensor(name).floats().put(values));
    SessionSettings oneSize = ONE_THREAD.forBatchesOf(setting.batch());
    try (AdaptiveModel model = AdaptiveModel.open(adapted, state, ONE_THREAD);
        AdaptiveModel compiled = AdaptiveModel.open(adapted, state, oneSize)) {
      for (int step = 0; step < STEPS; step++) {
        int positions = (int) Tensor.elements(setting.spatial());
        double[][][] x = shifted(site, setting.batch(), positions, random);
        long[] shape = new long[2 + setting.spatial().length];
        shape[0] = setting.batch();
        shape[1] = setting.channels();
        System.arraycopy(setting.spatial(), 0, shape, 2, setting.spatial().length);
        Tensor input = Tensor.of(PlainNormalization.narrow(PlainNormalization.flatten(x)), shape);

        Tensor tasks = Tensor.allocate(ElementType.INT64, setting.batch());
        int[] ids = new int[setting.batch()];
        for (int b = 0; b < ids.length; b++) {
          ids[b] = random.nextInt(TASKS);
          tasks.longs().put(b, ids[b]);
        }

        double[] expected = PlainNormalization.flatten(reference.step(x, ids));
        for (AdaptiveModel form : List.of(model, compiled)) {
          BatchResult result = form.run(Map.of("x", input, AdaptiveModel.TASK_INPUT, tasks));
          assertThat(result.adapted()).isTrue();
          assertThat(
                  PlainNormalization.relativeError(
                      result.outputs().get("y").toFloatArray(), expected))
              .as("output of step " + step)
              .isLessThanOrEqualTo(TOLERANCE);
        }
      }
      AdaptationState end = model.state();
      compiled
          .state()
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(
                          PlainNormalization.relativeError(
                              tensor.toFloatArray(),
                              PlainNormalization.widen(end.tensor(name).toFloatArray())))
                      .as(name)
                      .isLessThanOrEqualTo(TOLERANCE));
      return end;
    }
  }

  private static OneSiteModel site(Setting setting, long seed) {
    return OneSiteModel.random(
        setting.channels(),
        setting.spatial(),
        setting.fixedBatch() ? setting.batch() : 0,
        setting.opset(),
        seed,
        setting.convolution() && setting.spatial().length > 0);
  }

  /** Samples of a shifted domain: each instance has an offset of its own. Exact in float32. */
  private static double[][][] shifted(
      OneSiteModel site, int batch, int positions, SplittableRandom random) {
    int channels = site.gamma().length;
    double[][][] x = new double[batch][channels][positions];
    for (double[][] instance : x) {
      for (int c = 0; c < channels; c++) {
        double deviation = Math.sqrt(site.variance()[c]);
        // up to four deviations: farther off, float32 itself holds fewer than five digits of a
        // variance
        double shift = Math.max(-4, Math.min(4, 2 * random.nextGaussian()));
        double offset = site.mean()[c] + deviation * shift;
        for (int s = 0; s < positions; s++) {
          instance[c][s] = (float) (offset + 1.5 * deviation * random.nextGaussian());
        }
      }
    }
    return x;
  }

  private static double[][] rows(Tensor matrix) {
    int width = (int) matrix.size(1);
    double[] flat = PlainNormalization.widen(matrix.toFloatArray());
    double[][] rows = new double[(int) matrix.size(0)][];
    for (int k = 0; k < rows.length; k++) {
      rows[k] = Arrays.copyOfRange(flat, k * width, (k + 1) * width);
    }
    return rows;
  }

  private static void assertState(AdaptationState state, String name, double[] expected) {
    assertThat(PlainNormalization.relativeError(state.tensors().get(name).toFloatArray(), expected))
        .as(name)
        .isLessThanOrEqualTo(TOLERANCE);
  }
}
