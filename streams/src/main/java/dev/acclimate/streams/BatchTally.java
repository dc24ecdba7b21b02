package dev.acclimate.streams;

import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Counts what became of a batch's records until the commit makes them true. */
final class BatchTally {
  private final Map<DeadLetterReason, Integer> dead = new EnumMap<>(DeadLetterReason.class);
  private int answered;
  private int frozen;
  private int refused;
  private int steps;
  private int rejected;

  void answer(@Nullable Answerer answerer) {
    answered++;
    frozen += answerer == Answerer.FROZEN ? 1 : 0;
  }

  void refuse(DeadLetterReason reason) {
    refused++;
    dead.merge(reason, 1, Integer::sum);
  }

  void ran(BatchAnswers.Fate fate) {
    switch (fate) {
      case TAKEN -> steps++;
      case REJECTED -> rejected++;
      case NONE -> {}
    }
  }

  int records() {
    return answered + refused;
  }

  int answered() {
    return answered;
  }

  /** Answers of the frozen model. */
  int frozen() {
    return frozen;
  }

  int steps() {
    return steps;
  }

  int rejected() {
    return rejected;
  }

  boolean onlyModelFailures() {
    return answered == 0 && dead.containsKey(DeadLetterReason.MODEL_FAILURE);
  }

  Map<DeadLetterReason, Integer> dead() {
    return dead;
  }
}
