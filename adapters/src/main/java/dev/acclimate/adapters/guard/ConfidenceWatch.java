package dev.acclimate.adapters.guard;

/**
 * Tells from the adapted answers alone that something has changed: a two-sided CUSUM (Page 1954) of
 * their confidence, sample by sample, in standard deviations from the mean that it had while all
 * was well.
 */
final class ConfidenceWatch {
  /** Samples that mean and spread are learnt from. */
  private static final int MEMORY = 512;

  /** Deviations of that size are as likely from a change as from none. */
  private static final double SLACK = 0.25;

  private static final double LIMIT = 16;
  private static final double LEAST_SPREAD = 0.02;

  private double mean;
  private double square;
  private long seen;
  private double above;
  private double below;

  /** Takes a batch in; true where the frozen model should be asked about it. */
  boolean isAlarmedBy(Scores scores) {
    double spread = Math.max(LEAST_SPREAD, Math.sqrt(Math.max(0, square - mean * mean)));
    for (int i = 0; i < scores.size(); i++) {
      double deviation = (scores.confidence(i) - mean) / spread;
      above = Math.max(0, above + deviation - SLACK);
      below = Math.max(0, below - deviation - SLACK);
    }
    return seen < MEMORY / 4 || above > LIMIT || below > LIMIT;
  }

  /** All is well with that batch: it is what others are compared with. */
  void learn(Scores scores) {
    for (int i = 0; i < scores.size(); i++) {
      double weight = 1.0 / Math.min(++seen, MEMORY);
      double confidence = scores.confidence(i);
      mean += weight * (confidence - mean);
      square += weight * (confidence * confidence - square);
    }
    above = 0;
    below = 0;
  }

  void clear() {
    mean = 0;
    square = 0;
    seen = 0;
    above = 0;
    below = 0;
  }
}
