package dev.acclimate.streams;

import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;

/**
 * What the processor asks of a model: run a batch, and let the state it folds over the batches be
 * taken and put back. Only the processor's thread calls it once the processor has started.
 *
 * <p>The fold must be deterministic: from equal snapshots, equal batches give equal outputs and
 * equal snapshots.
 */
public interface BatchModel {

  /**
   * An adaptive model as a batch model. The caller still closes {@code model}, and leaves it alone
   * meanwhile.
   */
  static BatchModel of(AdaptiveModel model) {
    return new AdaptiveBatchModel(model);
  }

  /** The declared inputs; axis 0 is the batch, the others are fixed. */
  List<TensorInfo> inputs();

  /** The declared outputs; axis 0 is the batch. */
  List<TensorInfo> outputs();

  /** The method with its options, such as {@code unmix-tns[components=16]}. */
  String method();

  /**
   * Runs one batch and steps the state.
   *
   * @throws RuntimeException when the batch cannot be run; the state is then undefined until the
   *     next {@link #restore}
   */
  Result run(Map<String, Tensor> inputs);

  /** A copy of the state that later runs leave as it is. */
  Snapshot snapshot();

  /** Puts the state back to a snapshot that this model gave. */
  void restore(Snapshot snapshot);

  /** A model's state at one step; only the model that gave it can read it. */
  interface Snapshot {}

  /**
   * What a run gave.
   *
   * @param outputs by name, valid until the next run
   * @param adapted false when the model answered but rejected the step
   * @param step how many steps the state has behind it
   */
  record Result(Map<String, Tensor> outputs, boolean adapted, long step) {}
}
