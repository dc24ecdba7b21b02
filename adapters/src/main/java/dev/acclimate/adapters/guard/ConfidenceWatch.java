package dev.acclimate.adapters.guard;

/**
 * Tells from the adapted answers alone that something has changed: by their confidence, sample by
 * sample, beside that which they had while all was well.
 */
final class ConfidenceWatch {
  private final ChangeDetector change = new ChangeDetector(0.25, 16, 0.02);

  /** Takes a batch in; true where the frozen model should be asked about it. */
  boolean isAlarmedBy(Scores scores) {
    for (int i = 0; i < scores.size(); i++) {
      change.add(scores.confidence(i));
    }
    return change.isNew() || change.isAlarmed();
  }

  /** All is well with that batch: it is what others are compared with. */
  void learn(Scores scores) {
    for (int i = 0; i < scores.size(); i++) {
      change.learn(scores.confidence(i));
    }
    change.calm();
  }

  void clear() {
    change.clear();
  }
}
