package dev.acclimate.adapters;

import dev.acclimate.models.NormalizationSite;

/**
 * The distance of two Gaussians a channel, in units of the source's standard deviation: the
 * 2-Wasserstein distance {@code sqrt(((m - m_s)^2 + (s - s_s)^2) / s_s^2)} with the site's epsilon
 * in both variances, and its root mean square over channels. 0 is no shift; 1 is one standard
 * deviation in every channel.
 */
final class SiteShift {
  private final NormalizationSite site;
  private double squares;

  SiteShift(NormalizationSite site) {
    this.site = site;
  }

  /**
   * Adds a channel.
   *
   * @param centred mean, less the source's
   */
  void add(int channel, double centred, double variance) {
    double source = site.variance()[channel] + site.epsilon();
    double spread = Math.sqrt(variance + site.epsilon()) - Math.sqrt(source);
    squares += (centred * centred + spread * spread) / source;
  }

  /** Over all channels of the site. */
  double value() {
    return Math.sqrt(squares / site.channels());
  }
}
