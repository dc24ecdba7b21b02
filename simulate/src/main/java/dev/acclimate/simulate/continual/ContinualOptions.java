package dev.acclimate.simulate.continual;

import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.ReplayPolicy;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.gradients.Optimizer;

/**
 * How tasks are learnt.
 *
 * @param batchSize samples of the stream a step
 * @param epochs passes over each task's samples; 1 is online
 * @param buffer samples kept for replay, 0 for none
 * @param policy which those are
 * @param replay samples of the buffer a step
 * @param optimizer turns gradients into steps
 * @param rate highest learning rate
 * @param schedule what becomes of it
 * @param warmUp steps until it is reached
 */
public record ContinualOptions(
    int batchSize,
    int epochs,
    int buffer,
    ReplayPolicy policy,
    int replay,
    Optimizer optimizer,
    double rate,
    LearningRate.Schedule schedule,
    int warmUp) {

  /**
   * Checks the numbers.
   *
   * @throws InvalidInputException when one is out of its range
   */
  public ContinualOptions {
    require(batchSize >= 2, "--batch-size", "at least 2", batchSize);
    require(epochs >= 1, "--epochs", "at least 1", epochs);
    require(buffer >= 0, "--buffer", "0 or more", buffer);
    require(replay >= 0, "--replay", "0 or more", replay);
  }

  private static void require(boolean holds, String option, String expected, Number found) {
    if (!holds) {
      throw new InvalidInputException(option + ": expected " + expected + ", found " + found);
    }
  }

  LearningRate rate(long steps) {
    return new LearningRate(rate, schedule, warmUp, Math.max(1, steps));
  }
}
