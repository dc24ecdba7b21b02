package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Set;

/**
 * How far the statistics that a state holds lie from the model's own, a {@link SiteShift} for each
 * site: of running statistics as they are, of components as the mixture that they stand for, of
 * {@code auto} by the shift that it keeps.
 */
final class StateShift {
  private static final Set<String> RUNNING = Set.of("running_mean", "running_var");
  private static final Set<String> SHIFTED = Set.of("shift", "log_widening");
  private static final Set<String> COMPONENTS = Set.of("component_mean", "component_var");

  /** A channel's mean, less the source's, and variance. */
  private interface Statistics {
    double centred(NormalizationSite site, int channel, int packed);

    double variance(NormalizationSite site, int channel, int packed);
  }

  private StateShift() {}

  /** One value a site, in the order of the sites; none where the state holds no statistics. */
  static double[] of(AdaptationState state, List<NormalizationSite> sites) {
    Set<String> kept = state.tensors().keySet();
    if (kept.containsAll(RUNNING)) {
      return measure(sites, running(state));
    }
    if (kept.containsAll(SHIFTED)) {
      return measure(sites, shifted(state));
    }
    return kept.containsAll(COMPONENTS) ? measure(sites, mixture(state)) : new double[0];
  }

  private static double[] measure(List<NormalizationSite> sites, Statistics statistics) {
    double[] shifts = new double[sites.size()];
    int packed = 0;
    for (int i = 0; i < shifts.length; i++) {
      NormalizationSite site = sites.get(i);
      SiteShift shift = new SiteShift(site);
      for (int c = 0; c < site.channels(); c++, packed++) {
        shift.add(c, statistics.centred(site, c, packed), statistics.variance(site, c, packed));
      }
      shifts[i] = shift.value();
    }
    return shifts;
  }

  private static Statistics running(AdaptationState state) {
    FloatBuffer mean = state.tensor("running_mean").floats();
    FloatBuffer variance = state.tensor("running_var").floats();
    return new Statistics() {
      @Override
      public double centred(NormalizationSite site, int channel, int packed) {
        return (double) mean.get(packed) - site.mean()[channel];
      }

      @Override
      public double variance(NormalizationSite site, int channel, int packed) {
        return Math.max(variance.get(packed), 0);
      }
    };
  }

  private static Statistics shifted(AdaptationState state) {
    FloatBuffer shift = state.tensor("shift").floats();
    FloatBuffer widening = state.tensor("log_widening").floats();
    return new Statistics() {
      @Override
      public double centred(NormalizationSite site, int channel, int packed) {
        return shift.get(packed);
      }

      @Override
      public double variance(NormalizationSite site, int channel, int packed) {
        return site.variance()[channel] * Math.exp(widening.get(packed));
      }
    };
  }

  /** Mean and variance of K components {@code [K, sum of C]} of equal weight. */
  private static Statistics mixture(AdaptationState state) {
    FloatBuffer means = state.tensor("component_mean").floats();
    FloatBuffer variances = state.tensor("component_var").floats();
    int components = (int) state.tensor("component_mean").size(0);
    int width = (int) state.tensor("component_mean").size(1);
    return new Statistics() {
      @Override
      public double centred(NormalizationSite site, int channel, int packed) {
        double sum = 0;
        for (int k = 0; k < components; k++) {
          sum += (double) means.get(k * width + packed) - site.mean()[channel];
        }
        return sum / components;
      }

      @Override
      public double variance(NormalizationSite site, int channel, int packed) {
        double middle = centred(site, channel, packed);
        double sum = 0;
        for (int k = 0; k < components; k++) {
          double apart = (double) means.get(k * width + packed) - site.mean()[channel] - middle;
          sum += Math.max(variances.get(k * width + packed), 0) + apart * apart;
        }
        return sum / components;
      }
    };
  }
}
