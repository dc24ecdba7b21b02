package dev.acclimate.streams;

import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.models.Tensor;
import java.util.Map;

/** Has batches answered and the state moved on by them. Belongs to the model's thread. */
interface Answering {
  /**
   * Answers a batch.
   *
   * @param inputs its samples, and their tasks where the method reads these
   * @param from the state before; left as it is
   * @param into may be written
   * @throws RuntimeException when the batch cannot be answered: the state stays as it was
   */
  BatchAnswers answer(
      MicroBatch batch, Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into);

  /**
   * Answers one request of a batch that could not be answered as a whole.
   *
   * @param from the state before; left as it is
   * @param into may be written
   * @throws RuntimeException when it cannot be answered
   */
  BatchAnswers answerAlone(
      Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into);

  /** The guard over a stream's state, where there is one, begins anew. */
  default void forget(Lane lane, String stream) {}

  /** The same with all streams of a lane. */
  default void forget(Lane lane) {}

  default void close() {}

  /** As a model's mode and guard want it. */
  static Answering by(BatchModel model) {
    return asksFrozen(model) ? new FrozenBesideAnswering(model) : new AdaptedAnswering(model);
  }

  /** Whether a model's mode or guard asks the model as it was before it adapted. */
  static boolean asksFrozen(BatchModel model) {
    return !model.mode().equals(Mode.ACTIVE) || model.guard().watches();
  }
}
