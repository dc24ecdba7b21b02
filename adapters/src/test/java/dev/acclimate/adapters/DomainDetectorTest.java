package dev.acclimate.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The detector's graph against leader clustering written out in double precision. */
class DomainDetectorTest {
  private static final int CHANNELS = 3;
  private static final int POSITIONS = 4;

  /**
   * Eight deviations from the source, float32 leaves the variance of four values that happen to lie
   * close together about three digits.
   */
  private static final float TOLERANCE = 1e-3f;

  /** The same clustering, one sample after another. */
  private static final class Plain {
    final double radius;
    final double[][] centres;
    final double[] ages;
    double closest = Double.MAX_VALUE; // to the radius, over all samples

    Plain(int slots, int width, double radius) {
      this.radius = radius;
      this.centres = new double[slots][width];
      this.ages = new double[slots];
      Arrays.fill(ages, 1, slots, 1e9);
    }

    /** The slot of each sample. */
    int[] step(double[][] signatures) {
      int[] slot = new int[signatures.length];
      List<Integer> outside = new ArrayList<>();
      List<List<Integer>> members = new ArrayList<>();
      for (int d = 0; d < centres.length; d++) {
        members.add(new ArrayList<>());
      }
      for (int b = 0; b < slot.length; b++) {
        double least = Double.MAX_VALUE;
        for (int d = 0; d < centres.length; d++) {
          double distance = ages[d] < 1e9 ? distance(signatures[b], centres[d]) : 1e6;
          if (distance < least) {
            least = distance;
            slot[b] = d;
          }
        }
        closest = Math.min(closest, Math.abs(least - radius));
        if (least > radius) {
          outside.add(b);
        } else {
          members.get(slot[b]).add(b);
        }
      }
      int victim = 0;
      for (int d = 0; d < centres.length; d++) {
        ages[d] = !members.get(d).isEmpty() ? 0 : ages[d] == 1e9 ? 1e9 : ages[d] + 1;
        if (d > 0 && !members.get(d).isEmpty()) {
          for (int i = 0; i < centres[d].length; i++) {
            centres[d][i] += 0.1 * (mean(signatures, members.get(d), i) - centres[d][i]);
          }
        }
        if (d > 0 && ages[d] > (victim == 0 ? 0 : ages[victim])) {
          victim = d;
        }
      }
      if (!outside.isEmpty() && victim > 0) {
        for (int i = 0; i < centres[victim].length; i++) {
          centres[victim][i] = mean(signatures, outside, i);
        }
        ages[victim] = 0;
        for (int b : outside) {
          slot[b] = victim;
        }
      }
      return slot;
    }

    private static double mean(double[][] rows, List<Integer> chosen, int column) {
      return chosen.stream().mapToDouble(b -> rows[b][column]).average().orElseThrow();
    }

    private static double distance(double[] a, double[] b) {
      double sum = 0;
      for (int i = 0; i < a.length; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
      }
      return Math.sqrt(sum / a.length);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, 4, true",
    "3, 4, true",
    "5, 4, true",
    "8, 4, true",
    "3, 1, true",
    "4, 4, false",
    "2, 1, false"
  })
  void followsTheClusteringOfTheFirstSitesStatistics(int slots, int batch, boolean spatial) {
    OneSiteModel site =
        OneSiteModel.random(CHANNELS, spatial ? new long[] {2, 2} : new long[] {}, 0, 17, 7, false);
    PlainNormalization statistics = new PlainNormalization(site);
    int positions = spatial ? POSITIONS : 1;
    int width = spatial ? 2 * CHANNELS : CHANNELS;
    double radius = 1.3;
    Plain plain = new Plain(slots, width, radius);
    AdaptedModel adapted =
        AdaptedModel.adapt(
            site.model(),
            Method.parse("adab2n[tasks=detected;slots=%d;radius=%s]".formatted(slots, radius)));
    double[][] running = {statistics.sourceMean, statistics.sourceVariance};
    double eta = 0;
    SplittableRandom random = new SplittableRandom(3);
    boolean[] met = new boolean[slots];
    try (AdaptiveModel model =
        AdaptiveModel.open(
            adapted,
            adapted.initialState(0, null),
            new SessionSettings(ExecutionProvider.CPU, 1))) {
      for (int step = 0; step < 30; step++) {
        double[][][] x = new double[batch][CHANNELS][positions];
        double[][] signatures = new double[batch][width];
        for (int b = 0; b < batch; b++) {
          double offset = 4 * (random.nextInt(5) - 2); // five domains, the source in their midst
          for (int c = 0; c < CHANNELS; c++) {
            double deviation = Math.sqrt(site.variance()[c]);
            for (int s = 0; s < positions; s++) {
              x[b][c][s] =
                  (float) (site.mean()[c] + deviation * (offset + 0.7 * random.nextGaussian()));
            }
            double raised = site.variance()[c] + (double) site.epsilon();
            double[][][] instance = {x[b]};
            signatures[b][c] =
                (statistics.batchMean(instance)[c] - site.mean()[c]) / Math.sqrt(raised);
            if (spatial) {
              double own = statistics.batchVariance(instance)[c] + site.epsilon();
              signatures[b][CHANNELS + c] = Math.log(own / raised);
            }
          }
        }
        int[] slot = plain.step(signatures);
        for (int d : slot) {
          met[d] = true;
        }
        boolean[] all = new boolean[slots];
        Arrays.fill(all, true);
        double[] weights = PlainNormalization.taskWeights(slot, new double[slots], all);
        double sum = Arrays.stream(weights).sum();
        eta = PlainNormalization.nextEta(eta, 0.1, 0.5);
        statistics.weighted(x, Arrays.stream(weights).map(w -> w / sum).toArray(), eta, running);

        float[] values = new float[batch * CHANNELS * positions];
        double[] flat = PlainNormalization.flatten(x);
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) flat[i];
        }
        model.run(
            Map.of(
                "x",
                spatial
                    ? Tensor.of(values, batch, CHANNELS, 2, 2)
                    : Tensor.of(values, batch, CHANNELS)));

        Map<String, Tensor> state = model.state().tensors();
        float[] ages = state.get("domain_age").toFloatArray();
        for (int d = 0; d < slots; d++) {
          assertThat(ages[d])
              .as("age of slot %d in step %d", d, step)
              .isEqualTo((float) plain.ages[d]);
        }
        assertThat(state.get("domain_signature").toFloatArray())
            .as("centres in step %d", step)
            .containsExactly(narrow(PlainNormalization.flatten(plain.centres)), within(TOLERANCE));
        assertThat(
                PlainNormalization.relativeError(
                    state.get("running_mean").toFloatArray(), running[0]))
            .as("running mean in step %d", step)
            .isLessThan(1e-5);
      }
    }
    // else the comparison above would hang on rounding
    assertThat(plain.closest).isGreaterThan(TOLERANCE);
    assertThat(met).containsOnly(true);
  }

  private static float[] narrow(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }
}
