package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.NormalizationSite;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * How far samples lie from a model's source statistics, site by site.
 *
 * <p>Each channel counts as a Gaussian, with the mean and variance over all samples and positions
 * on the one side and the model's stored ones on the other; a site's shift is their {@link
 * SiteShift}. What an earlier site's normalization lets through shows at the sites behind it.
 */
public final class ShiftMeter implements AutoCloseable {
  private final InstanceStatistics statistics;
  private final double[] sum; // of centred means, [sum of C]
  private final double[] sumOfSquares; // of centred values
  private long samples;

  private ShiftMeter(InstanceStatistics statistics) {
    this.statistics = statistics;
    this.sum = new double[statistics.channels()];
    this.sumOfSquares = new double[statistics.channels()];
  }

  /**
   * Prepares a model for measuring.
   *
   * @throws InvalidInputException when it has no site with a spatial axis
   */
  public static ShiftMeter open(OnnxModel model, SessionSettings settings) {
    return new ShiftMeter(InstanceStatistics.open(model, settings));
  }

  /** The names of the sites that are measured, in graph order. */
  public List<String> sites() {
    return statistics.sites().stream().map(NormalizationSite::name).toList();
  }

  /**
   * Measures a batch.
   *
   * @param batch a tensor for each input
   * @throws InvalidInputException when a statistic is not finite
   */
  public void add(Map<String, Tensor> batch) {
    statistics.measure(
        batch,
        (centred, variance) -> {
          for (int c = 0; c < sum.length; c++) {
            sum[c] += centred[c];
            sumOfSquares[c] += (double) centred[c] * centred[c] + variance[c];
          }
          samples++;
        });
  }

  /** True before the first sample. */
  public boolean isEmpty() {
    return samples == 0;
  }

  /** Forgets what was measured. */
  public void clear() {
    Arrays.fill(sum, 0);
    Arrays.fill(sumOfSquares, 0);
    samples = 0;
  }

  /**
   * The shift of what was measured, one value a site.
   *
   * @throws IllegalStateException when nothing was
   */
  public double[] shifts() {
    if (samples == 0) {
      throw new IllegalStateException("no sample measured");
    }
    double[] shifts = new double[statistics.sites().size()];
    int offset = 0;
    for (int i = 0; i < shifts.length; i++) {
      NormalizationSite site = statistics.sites().get(i);
      SiteShift shift = new SiteShift(site);
      for (int c = 0; c < site.channels(); c++) {
        double mean = sum[offset + c] / samples;
        shift.add(c, mean, Math.max(sumOfSquares[offset + c] / samples - mean * mean, 0));
      }
      offset += site.channels();
      shifts[i] = shift.value();
    }
    return shifts;
  }

  @Override
  public void close() {
    statistics.close();
  }
}
