package dev.acclimate.streams;

import java.util.EnumMap;
import java.util.Map;

/** Counts what became of a batch's records until the commit makes them true. */
final class BatchTally {
  private final Map<DeadLetterReason, Integer> dead = new EnumMap<>(DeadLetterReason.class);
  private int answered;
  private int refused;
  private int steps;
  private int rejected;

  void answer() {
    answered++;
  }

  void refuse(DeadLetterReason reason) {
    refused++;
    dead.merge(reason, 1, Integer::sum);
  }

  void ran(boolean adapted) {
    if (adapted) {
      steps++;
    } else {
      rejected++;
    }
  }

  int records() {
    return answered + refused;
  }

  int answered() {
    return answered;
  }

  int steps() {
    return steps;
  }

  int rejected() {
    return rejected;
  }

  boolean ran() {
    return steps + rejected > 0;
  }

  boolean onlyModelFailures() {
    return answered == 0 && dead.containsKey(DeadLetterReason.MODEL_FAILURE);
  }

  Map<DeadLetterReason, Integer> dead() {
    return dead;
  }
}
