package dev.acclimate.adapters.guard;

/**
 * Tells when numbers are no longer drawn as those were that it learnt from: two-sided cumulative
 * sums (Page 1954) of deviations in units of their spread.
 */
final class ChangeDetector {
  /** Numbers that the comparison is with. */
  private static final int MEMORY = 512;

  private final double slack;
  private final double limit;
  private final double leastSpread;
  private double mean;
  private double square;
  private long seen;
  private double above;
  private double below;

  /**
   * A detector that has learnt nothing yet.
   *
   * @param slack deviations of that size are as likely from a change as from none
   * @param limit of the sums
   * @param leastSpread below which the spread is not believed
   */
  ChangeDetector(double slack, double limit, double leastSpread) {
    this.slack = slack;
    this.limit = limit;
    this.leastSpread = leastSpread;
  }

  void add(double number) {
    double spread = Math.max(leastSpread, Math.sqrt(Math.max(0, square - mean * mean)));
    double deviation = (number - mean) / spread;
    above = Math.max(0, above + deviation - slack);
    below = Math.max(0, below - deviation - slack);
  }

  boolean isAlarmed() {
    return above > limit || below > limit;
  }

  /** True where it has too little to compare with. */
  boolean isNew() {
    return seen < MEMORY / 4;
  }

  /** All is well with a number: it is what others are compared with. */
  void learn(double number) {
    double weight = 1.0 / Math.min(++seen, MEMORY);
    mean += weight * (number - mean);
    square += weight * (number * number - square);
  }

  /** What was added so far is no change. */
  void calm() {
    above = 0;
    below = 0;
  }

  void clear() {
    mean = 0;
    square = 0;
    seen = 0;
    calm();
  }
}
