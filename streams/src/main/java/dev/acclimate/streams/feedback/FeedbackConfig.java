package dev.acclimate.streams.feedback;

import dev.acclimate.models.InvalidInputException;
import java.time.Duration;

/**
 * How labels are joined to answers.
 *
 * @param window how long an answer waits for its label, and a label for its answer
 * @param capacity samples that may wait on either side; the oldest leave first
 * @param shadow the part of the batches that the frozen model answers too, 0 (none) to 1 (all);
 *     each costs one run of the frozen model
 * @param memoryBytes what the inputs of answered requests may take that wait for their labels or
 *     are learnt from again, for each partition, where a method learns from labels
 */
public record FeedbackConfig(Duration window, int capacity, double shadow, long memoryBytes) {
  public static final Duration DEFAULT_WINDOW = Duration.ofMinutes(10);
  public static final Duration MOST_WINDOW = Duration.ofHours(24);
  public static final int DEFAULT_CAPACITY = 100_000;
  public static final int MOST_CAPACITY = 10_000_000;
  public static final double DEFAULT_SHADOW = 0.1;
  public static final long DEFAULT_MEMORY_BYTES = 64 << 20;
  public static final FeedbackConfig DEFAULT =
      new FeedbackConfig(DEFAULT_WINDOW, DEFAULT_CAPACITY, DEFAULT_SHADOW);

  public FeedbackConfig {
    if (window.isNegative() || window.isZero() || window.compareTo(MOST_WINDOW) > 0) {
      throw new InvalidInputException(
          "window: expected a time from 1 ms to 24 hours, found " + window.toMillis() + " ms");
    }
    if (capacity < 1 || capacity > MOST_CAPACITY) {
      throw new InvalidInputException(
          "capacity: expected 1 to " + MOST_CAPACITY + " samples, found " + capacity);
    }
    if (memoryBytes < 1) {
      throw new InvalidInputException("memory: expected at least 1 byte, found " + memoryBytes);
    }
    if (!(shadow >= 0 && shadow <= 1)) { // NaN too
      throw new InvalidInputException(
          "shadow: expected a part of the batches from 0 to 1, found " + shadow);
    }
  }

  /** With the default memory. */
  public FeedbackConfig(Duration window, int capacity, double shadow) {
    this(window, capacity, shadow, DEFAULT_MEMORY_BYTES);
  }
}
