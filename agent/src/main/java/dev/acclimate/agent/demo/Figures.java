package dev.acclimate.agent.demo;

import java.util.Locale;

/** Figures as the table and the summary write them. */
final class Figures {
  private Figures() {}

  /** One decimal; a dash where there is no figure. */
  static String percent(double percent) {
    return Double.isNaN(percent) ? "-" : String.format(Locale.ROOT, "%.1f", percent);
  }

  /** One decimal with its sign. */
  static String gain(double points) {
    return Double.isNaN(points) ? "-" : String.format(Locale.ROOT, "%+.1f", points);
  }

  static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }
}
