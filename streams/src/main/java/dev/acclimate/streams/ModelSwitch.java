package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.streams.feedback.FrozenModel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What a processor is asked to go on with.
 *
 * @param model answers from then on
 * @param config the present one under the model's name and version
 * @param frozen the model before it adapted, for the comparison with labels; null for none
 * @param done when the model has taken over, or will not
 */
record ModelSwitch(
    BatchModel model,
    StreamConfig config,
    @Nullable FrozenModel frozen,
    CompletableFuture<Void> done) {

  /** Refuses a model that requests which are on their way do not fit. */
  static void requireSameInputs(List<TensorInfo> expected, List<TensorInfo> found) {
    boolean same = expected.size() == found.size();
    for (int i = 0; same && i < expected.size(); i++) {
      TensorInfo before = expected.get(i);
      TensorInfo after = found.get(i);
      same =
          before.name().equals(after.name())
              && before.type() == after.type()
              && before.rank() == after.rank()
              && before
                  .dimensions()
                  .subList(1, before.rank())
                  .equals(after.dimensions().subList(1, after.rank()));
    }
    if (!same) {
      throw new InvalidInputException(
          "model: expected the inputs of the model before, "
              + expected
              + ", which the requests on their way are made for; found "
              + found);
    }
  }
}
