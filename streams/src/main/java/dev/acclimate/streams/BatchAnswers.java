package dev.acclimate.streams;

import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.models.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * What the models made of a batch.
 *
 * @param adapted the adapted model's outputs; null where it was not asked or failed
 * @param frozen the frozen model's; null where it was not asked
 * @param mode whose go out
 * @param told whether responses tell whose they are
 * @param next the state afterwards: the one before, or the one that could be written
 * @param step steps that it has behind it
 * @param fate what became of the step
 * @param frozenNanos the frozen model's time
 * @param guarded what the guard did, and who is told of labels that come; null where none watched
 */
record BatchAnswers(
    @Nullable Map<String, Tensor> adapted,
    @Nullable Map<String, Tensor> frozen,
    Mode mode,
    boolean told,
    BatchModel.State next,
    long step,
    Fate fate,
    long frozenNanos,
    StateWatches.@Nullable Decided guarded) {

  /** What becomes of a step. */
  enum Fate {
    /** The state took the batch in. */
    TAKEN,
    /** The model answered without, since a value was not finite. */
    REJECTED,
    /** There was none to be taken, or the guard was against it. */
    NONE
  }

  /** The adapted model's answers alone, of a run from a state into another. */
  static BatchAnswers adapted(
      BatchModel.Result result, BatchModel.State from, BatchModel.State into) {
    return new BatchAnswers(
        result.outputs(),
        null,
        Mode.ACTIVE,
        false,
        result.adapted() ? into : from,
        result.step(),
        result.adapted() ? Fate.TAKEN : Fate.REJECTED,
        0,
        null);
  }

  /**
   * False where running the batch again would lead to another state: the guard went back to one.
   */
  boolean isByTheBook() {
    return guarded == null || guarded.ruling().fate() != StateGuard.Fate.ROLLED_BACK;
  }

  /** What the guard did. */
  List<GuardEvent> events() {
    return guarded == null ? List.of() : guarded.ruling().events();
  }

  /** The outputs that hold the answer to a request. */
  Map<String, Tensor> to(ConsumerRecord<byte[], byte[]> request) {
    return Objects.requireNonNull(isAdapted(request) ? adapted : frozen);
  }

  /** Which model's answer a request gets; null where that goes without saying. */
  @Nullable Answerer answerer(ConsumerRecord<byte[], byte[]> request) {
    if (!told) {
      return null;
    }
    return isAdapted(request) ? Answerer.ADAPTED : Answerer.FROZEN;
  }

  private boolean isAdapted(ConsumerRecord<byte[], byte[]> request) {
    return frozen == null || mode.answersAdapted(FeedbackReader.stream(request.key()));
  }
}
