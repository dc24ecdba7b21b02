package dev.acclimate.streams.feedback;

import dev.acclimate.models.Tensor;
import java.util.Map;

/** The model as it was before it began to adapt; for one thread at a time. */
@FunctionalInterface
public interface FrozenModel {
  /**
   * Answers a batch.
   *
   * @param batch the inputs by name
   * @return the outputs by name, valid until the next run
   */
  Map<String, Tensor> run(Map<String, Tensor> batch);
}
