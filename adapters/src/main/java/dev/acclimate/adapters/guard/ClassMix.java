package dev.acclimate.adapters.guard;

/** Which classes a model answers with, over about the last so many samples. */
final class ClassMix {
  private final double[] shares;
  private final int window;
  private int seen;

  ClassMix(int classes, int window) {
    this.shares = new double[classes];
    this.window = window;
  }

  void add(int answer) {
    seen = Math.min(seen + 1, window);
    double weight = 1.0 / seen;
    for (int c = 0; c < shares.length; c++) {
      shares[c] += weight * ((c == answer ? 1 : 0) - shares[c]);
    }
  }

  /** {@code exp(entropy)}: from 1 for a single class to their number for all alike. */
  double effectiveClasses() {
    double entropy = 0;
    for (double share : shares) {
      entropy -= share > 0 ? share * Math.log(share) : 0;
    }
    return Math.exp(entropy);
  }

  long sizeInBytes() {
    return (long) Double.BYTES * shares.length;
  }

  /** Total variation distance, 0 to 1. */
  double distance(ClassMix other) {
    double sum = 0;
    for (int c = 0; c < shares.length; c++) {
      sum += Math.abs(shares[c] - other.shares[c]) / 2;
    }
    return sum;
  }
}
