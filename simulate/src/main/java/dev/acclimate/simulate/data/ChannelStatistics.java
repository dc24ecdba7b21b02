package dev.acclimate.simulate.data;

import java.util.ArrayList;
import java.util.List;

/**
 * Mean and standard deviation of each channel over all samples of a set and all places in them.
 *
 * @param means one a channel
 * @param deviations likewise, of the population
 */
public record ChannelStatistics(List<Double> means, List<Double> deviations) {

  /** Copies the lists. */
  public ChannelStatistics {
    means = List.copyOf(means);
    deviations = List.copyOf(deviations);
  }

  /** Reads the whole set twice: means first, since deviations may be small beside them. */
  static ChannelStatistics of(ImageSet images) {
    double[] none = new double[images.channels()];
    double[] means = averages(images, none, 1);
    double[] variances = averages(images, means, 2);
    List<Double> centres = new ArrayList<>();
    List<Double> deviations = new ArrayList<>();
    for (int channel = 0; channel < none.length; channel++) {
      centres.add(means[channel]);
      deviations.add(Math.sqrt(variances[channel]));
    }
    return new ChannelStatistics(centres, deviations);
  }

  /** Averages of the first or second power of the distance from {@code centres}. */
  private static double[] averages(ImageSet images, double[] centres, int power) {
    int plane = images.shape().plane();
    double[] sums = new double[centres.length];
    float[] chw = new float[images.shape().size()];
    for (int i = 0; i < images.size(); i++) {
      images.read(i, chw);
      for (int j = 0; j < chw.length; j++) {
        double distance = chw[j] - centres[j / plane];
        sums[j / plane] += power == 1 ? distance : distance * distance;
      }
    }
    double count = Math.max(1, (double) images.size() * plane);
    for (int channel = 0; channel < sums.length; channel++) {
      sums[channel] /= count;
    }
    return sums;
  }
}
