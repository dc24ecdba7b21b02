package dev.acclimate.streams.feedback;

import dev.acclimate.models.Tensor;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the frozen model beside the adapted one, on an even part of the batches that begins with the
 * first one: at 0.1 on every tenth. Which ones is settled by their number alone. Not thread-safe.
 */
public final class ShadowModel {
  private static final Logger log = LoggerFactory.getLogger(ShadowModel.class);

  private final FrozenModel model;
  private final double fraction;
  private final Predictions predictions;
  private final FeedbackMeters meters;
  private long batches;
  private boolean failing;

  /**
   * A shadow that asks {@code model}.
   *
   * @param fraction the part of the batches that the model is asked, 0 to 1
   */
  public ShadowModel(
      FrozenModel model, double fraction, Predictions predictions, FeedbackMeters meters) {
    this.model = model;
    this.fraction = fraction;
    this.predictions = predictions;
    this.meters = meters;
  }

  /**
   * The frozen model's classes for a batch; null when it is not this batch's turn, or the model
   * failed, which is counted and does the batch no harm.
   *
   * @param batch the inputs by name; read only
   */
  public int @Nullable [] answer(Map<String, Tensor> batch) {
    if (!isNextDue()) {
      return null;
    }
    long start = System.nanoTime();
    try {
      int[] classes = predictions.classes(model.run(batch));
      meters.shadowTime().record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
      failing = false;
      return classes;
    } catch (RuntimeException e) {
      meters.shadowFailed();
      if (!failing) {
        log.warn(
            "the frozen model failed on a batch; the adapted one answers on: {}", e.toString());
      }
      log.debug("the frozen model's failure", e);
      failing = true;
      return null;
    }
  }

  private boolean isNextDue() {
    long before = batches++;
    return Math.ceil(batches * fraction) > Math.ceil(before * fraction);
  }
}
