package dev.acclimate.simulate.report;

import dev.acclimate.simulate.Spread;
import java.util.Locale;

/** Numbers as the report prints them, in the same way everywhere. */
final class Figures {
  /** Where there is nothing to tell. */
  static final String NONE = "–";

  private Figures() {}

  /** A rate in percent. */
  static String percent(double rate) {
    return String.format(Locale.ROOT, "%.1f", 100 * rate);
  }

  /** Mean and spread of a rate over seeds, in percent; the mean alone where there is one seed. */
  static String percent(Spread rate, int seeds) {
    return seeds > 1
        ? percent(rate.mean()) + " ±" + percent(rate.deviation())
        : percent(rate.mean());
  }

  /** A difference of rates, in points with a sign. */
  static String points(double difference) {
    if (Double.isNaN(difference)) {
      return NONE;
    }
    String text = String.format(Locale.ROOT, "%+.1f", 100 * difference);
    return text.equals("-0.0") ? "+0.0" : text.replace('-', '−');
  }

  /** A number with so many decimals. */
  static String decimal(double value, int decimals) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /** A whole number, thousands apart. */
  static String whole(double value) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, "%,d", Math.round(value));
  }

  /** A size in memory. */
  static String bytes(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    return bytes < 1024 * 1024
        ? decimal(bytes / 1024.0, 1) + " KiB"
        : decimal(bytes / (1024.0 * 1024), 1) + " MiB";
  }

  /** A coordinate in a drawing. */
  static String place(double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
