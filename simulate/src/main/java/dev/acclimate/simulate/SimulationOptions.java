package dev.acclimate.simulate;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.SessionSettings;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a stream is run through models.
 *
 * @param methods as users write them, such as {@code alpha-bn[source-weight=0.8]}
 * @param batchSize samples a batch
 * @param seed of starts that are random
 * @param session what the models run on
 * @param calibration where calibrated methods start; null measures source samples anew
 */
public record SimulationOptions(
    List<String> methods,
    int batchSize,
    long seed,
    SessionSettings session,
    @Nullable Calibration calibration) {

  /** The largest batch that makes sense; beyond it a mistyped number is likelier. */
  public static final int LARGEST_BATCH = 4096;

  /**
   * Checks the values.
   *
   * @throws InvalidInputException when there is no method, or the batch size is out of range
   */
  public SimulationOptions {
    methods = List.copyOf(methods);
    if (methods.isEmpty()) {
      throw new InvalidInputException("methods: expected at least one, found none");
    }
    if (batchSize < 1 || batchSize > LARGEST_BATCH) {
      throw new InvalidInputException(
          "batch-size: expected 1 to " + LARGEST_BATCH + ", found " + batchSize);
    }
  }
}
