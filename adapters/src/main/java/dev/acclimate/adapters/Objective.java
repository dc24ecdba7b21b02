package dev.acclimate.adapters;

import dev.acclimate.models.OperatorWriter;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a companion's steps make smaller. */
sealed interface Objective
    permits Entropy,
        ClassCorrelation,
        ReliableEntropy,
        SharpnessAwareEntropy,
        LabelledCrossEntropy {

  /**
   * A loss as it was written, all names of tensors.
   *
   * @param value what is differentiated, a scalar
   * @param applies a truth value: whether there is anything to learn from; null where there always
   *     is
   * @param chosen 1 for each sample that it is made of and 0 for others, {@code [B]}; null where no
   *     one asks
   * @param constants tensors that gradients do not pass
   * @param next the objective's states after the batch, by name
   */
  record Loss(
      String value,
      @Nullable String applies,
      @Nullable String chosen,
      Set<String> constants,
      Map<String, String> next) {}

  /** A loss of all samples. */
  static Loss ofAll(String value, Map<String, String> next) {
    return new Loss(value, null, null, Set.of(), next);
  }

  /** All options of this objective with their values. */
  Map<String, String> options();

  /** What the objective keeps from batch to batch. */
  default List<SharedState> states(int classes) {
    return List.of();
  }

  /**
   * Writes the loss.
   *
   * @param states the tensors that hold {@link #states} before the batch, by name
   */
  Loss write(OperatorWriter ops, Logits logits, Map<String, String> states);
}
