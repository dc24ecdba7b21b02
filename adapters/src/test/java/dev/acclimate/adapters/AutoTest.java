package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.NormalizationSites;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** {@code auto} against its formulas in double precision, and the laws that it exists for. */
class AutoTest {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);
  private static final double TOLERANCE = 1e-5;

  /**
   * How far components lie from the source mean, in deviations: a method that takes a burst of one
   * of them for a shift ends up as far off.
   */
  private static final double APART = 0.7;

  private static final int SIDE = 6;
  private static final int POSITIONS = SIDE * SIDE;

  private final SplittableRandom random = new SplittableRandom(7);

  /** A site with components that lie around its source mean. */
  private static final class Setting {
    final OneSiteModel site;
    final double[][] means;
    final double[][] variances;

    Setting(int channels, int components, long seed, boolean convolution) {
      site = OneSiteModel.random(channels, new long[] {SIDE, SIDE}, 0, 17, seed, convolution);
      SplittableRandom random = new SplittableRandom(seed + 1);
      means = new double[components][channels];
      variances = new double[components][channels];
      for (int k = 0; k < components; k++) {
        for (int c = 0; c < channels; c++) {
          double variance = site.variance()[c];
          double offset = APART * Math.sqrt(variance) * random.nextGaussian();
          means[k][c] = (float) (site.mean()[c] + offset);
          variances[k][c] = (float) (variance * random.nextDouble(0.3, 1));
        }
      }
    }

    AdaptiveModel open(String method) {
      AdaptedModel adapted = AdaptedModel.adapt(site.model(), Method.parse(method));
      float[] mean = PlainNormalization.narrow(PlainNormalization.flatten(means));
      float[] variance = PlainNormalization.narrow(PlainNormalization.flatten(variances));
      String name = NormalizationSites.find(site.model()).get(0).name();
      Calibration calibration =
          new Calibration(
              site.model().digest(),
              means.length,
              Map.of(name, new SiteComponents(means.length, mean, variance)),
              Map.of());
      return AdaptiveModel.open(adapted, adapted.initialState(0, calibration), ONE_THREAD);
    }

    /** An instance of a component, its mean moved by so many source deviations. */
    double[][] instance(int component, double moved, SplittableRandom random) {
      double[][] x = new double[site.mean().length][POSITIONS];
      for (int c = 0; c < x.length; c++) {
        double deviation = Math.sqrt(variances[component][c]);
        double mean = means[component][c] + moved * Math.sqrt(site.variance()[c]);
        double wander = 0.3 * deviation * random.nextGaussian();
        for (int s = 0; s < POSITIONS; s++) {
          x[c][s] = (float) (mean + wander + deviation * random.nextGaussian());
        }
      }
      return x;
    }
  }

  private static float[] run(AdaptiveModel model, double[][][] x) {
    Tensor input =
        Tensor.of(
            PlainNormalization.narrow(PlainNormalization.flatten(x)),
            x.length,
            x[0].length,
            SIDE,
            SIDE);
    BatchResult result = model.run(Map.of("x", input));
    assertThat(result.adapted()).isTrue();
    return result.outputs().get("y").toFloatArray();
  }

  private static float[] state(AdaptiveModel model, String name) {
    return model.state().tensors().get(name).toFloatArray();
  }

  @Property(tries = 60, seed = "1")
  void isWhatItsFormulasSay(
      @ForAll @IntRange(min = 2, max = 33) int channels,
      @ForAll @IntRange(min = 2, max = 12) int components,
      @ForAll @IntRange(min = 1, max = 80) int batch,
      @ForAll @IntRange(min = 1, max = 50) int caution,
      @ForAll boolean convolution,
      @ForAll @LongRange(max = 999) long seed) {
    Setting setting = new Setting(channels, components, seed, convolution);
    PlainNormalization plain = new PlainNormalization(setting.site);
    SplittableRandom samples = new SplittableRandom(seed + 2);
    String method = "auto[components=%d;momentum=0.1;caution=%d]".formatted(components, caution);
    try (AdaptiveModel model = setting.open(method)) {
      double[][] state = {
        new double[channels],
        new double[channels],
        new double[channels],
        PlainNormalization.widen(state(model, "noise"))
      };
      for (int step = 0; step < 3; step++) {
        double[][][] x = new double[batch][][];
        for (int b = 0; b < batch; b++) {
          x[b] = setting.instance(samples.nextInt(components), 0.8, samples);
        }
        double[] expected =
            PlainNormalization.flatten(
                plain.auto(x, 0.1, caution, 0.07, setting.means, setting.variances, state));

        assertThat(PlainNormalization.relativeError(run(model, x), expected))
            .isLessThanOrEqualTo(TOLERANCE);
      }
      String[] names = {"shift", "log_widening", "trend", "noise"};
      for (int i = 0; i < names.length; i++) {
        assertThat(PlainNormalization.relativeError(state(model, names[i]), state[i]))
            .as(names[i])
            .isLessThanOrEqualTo(2e-5);
      }
    }
  }

  private double[][][] batch(Setting setting, int size, int component, double moved) {
    double[][][] x = new double[size][][];
    for (int b = 0; b < size; b++) {
      int of = component < 0 ? random.nextInt(setting.means.length) : component;
      x[b] = setting.instance(of, moved, random);
    }
    return x;
  }

  /** Root mean square over channels, in source deviations. */
  private static double size(Setting setting, float[] shift, double less) {
    double sum = 0;
    for (int c = 0; c < shift.length; c++) {
      double off = shift[c] / Math.sqrt(setting.site.variance()[c]) - less;
      sum += off * off;
    }
    return Math.sqrt(sum / shift.length);
  }

  @Test
  void burstsOfOneClassDoNotMoveIt() {
    Setting setting = new Setting(24, 6, 3, false);
    try (AdaptiveModel model = setting.open("auto[components=6]")) {
      for (int step = 0; step < 60; step++) {
        run(model, batch(setting, 32, step / 20, 0));
      }

      assertThat(size(setting, state(model, "shift"), 0)).isLessThan(APART / 3);
    }
  }

  @Test
  void learnsTheShiftOfADomainFromBurstsOfOneClass() {
    Setting setting = new Setting(24, 6, 3, false);
    try (AdaptiveModel model = setting.open("auto[components=6]")) {
      for (int step = 0; step < 60; step++) {
        run(model, batch(setting, 32, step / 20, 0.8));
      }

      assertThat(size(setting, state(model, "shift"), 0.8)).isLessThan(0.8 / 3);
    }
  }

  @Test
  void learnsTheSameOfManySmallBatchesAsOfFewLargeOnes() {
    Setting setting = new Setting(24, 6, 3, false);
    try (AdaptiveModel large = setting.open("auto[components=6]");
        AdaptiveModel small = setting.open("auto[components=6]")) {
      for (int step = 0; step < 20; step++) {
        double[][][] x = batch(setting, 64, -1, 0.8);
        run(large, x);
        for (double[][] instance : x) {
          run(small, new double[][][] {instance});
        }
      }

      assertThat(size(setting, state(small, "shift"), 0))
          .isCloseTo(size(setting, state(large, "shift"), 0), within(0.1));
    }
  }

  @Test
  void componentsStayWhereTheSourceHasThem() {
    Setting setting = new Setting(5, 3, 4, true);
    try (AdaptiveModel model = setting.open("auto[components=3]")) {
      float[] mean = state(model, "component_mean");
      float[] variance = state(model, "component_var");
      run(model, batch(setting, 8, -1, 1));

      assertThat(state(model, "component_mean")).containsExactly(mean);
      assertThat(state(model, "component_var")).containsExactly(variance);
    }
  }
}
