package dev.acclimate.simulate;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.scenarios.ScenarioSegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What runs over a stream.
 *
 * @param methods as users write them, such as {@code alpha-bn[source-weight=0.8]}
 * @param session what the models run on; with threads 0 each method has one thread and methods run
 *     side by side, which keeps all cores busy and gives the same bits every time
 * @param calibration where calibrated methods start; null measures source samples anew
 * @param guard of a twin that each method but {@code source} gets; null for none
 * @param labelDelay batches that are answered before a batch's labels come, for methods that learn
 *     from labels
 */
public record SimulationOptions(
    List<String> methods,
    SessionSettings session,
    @Nullable Calibration calibration,
    @Nullable GuardPolicy guard,
    int labelDelay) {
  /** Labels come when the next batch is answered. */
  public static final int DEFAULT_LABEL_DELAY = 1;

  private static final int LONGEST_LABEL_DELAY = 10_000;

  /**
   * Checks the values.
   *
   * @throws InvalidInputException when there is no method, or the delay is out of range
   */
  public SimulationOptions {
    methods = List.copyOf(methods);
    if (methods.isEmpty()) {
      throw new InvalidInputException("methods: expected at least one, found none");
    }
    if (labelDelay < 0 || labelDelay > LONGEST_LABEL_DELAY) {
      throw new InvalidInputException(
          "label-delay: expected 0 to " + LONGEST_LABEL_DELAY + " batches, found " + labelDelay);
    }
  }

  /** The methods without guarded twins. */
  public SimulationOptions(
      List<String> methods, SessionSettings session, @Nullable Calibration calibration) {
    this(methods, session, calibration, null, DEFAULT_LABEL_DELAY);
  }

  /**
   * Checks a batch size.
   *
   * @throws InvalidInputException when it is out of range
   */
  public static int requireBatchSize(int batchSize) {
    if (batchSize < 1 || batchSize > ScenarioSegment.LARGEST_BATCH) {
      throw new InvalidInputException(
          "batch-size: expected 1 to " + ScenarioSegment.LARGEST_BATCH + ", found " + batchSize);
    }
    return batchSize;
  }
}
