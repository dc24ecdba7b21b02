package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.Nap;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OperatorWriter;
import java.util.Arrays;
import java.util.Locale;

/**
 * How large the steps are, as a function of how many were taken: nothing about the rate is implicit
 * where weights are projected (see {@link Nap}).
 *
 * @param highest the rate after warming up, above 0
 * @param schedule what becomes of it then
 * @param warmUp steps over which it rises in a straight line, 0 for none
 * @param steps after which a schedule that falls has reached 0; of no effect on a constant rate
 */
public record LearningRate(double highest, Schedule schedule, long warmUp, long steps) {

  /** What becomes of the rate. */
  public enum Schedule {
    /** It stays. */
    CONSTANT,
    /** It falls along half a cosine (Loshchilov and Hutter 2017), and stays at 0. */
    COSINE;

    /**
     * Reads a name.
     *
     * @throws InvalidInputException when there is no such schedule
     */
    public static Schedule parse(String name) {
      return Arrays.stream(values())
          .filter(schedule -> schedule.toString().equals(name))
          .findFirst()
          .orElseThrow(
              () ->
                  new InvalidInputException(
                      "schedule: expected one of "
                          + Arrays.toString(values())
                          + ", found '"
                          + name
                          + "'"));
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Checks the numbers.
   *
   * @throws InvalidInputException when one is out of its range
   */
  public LearningRate {
    if (!(highest > 0) || Double.isInfinite(highest)) {
      throw new InvalidInputException("learning rate: expected a number above 0, found " + highest);
    }
    if (warmUp < 0 || (schedule == Schedule.COSINE && steps < 1)) {
      throw new InvalidInputException(
          "learning rate: expected warm-up from 0 and, for a cosine, at least 1 step, found %d and %d"
              .formatted(warmUp, steps));
    }
  }

  /** A rate that stays. */
  public static LearningRate constant(double rate) {
    return new LearningRate(rate, Schedule.CONSTANT, 0, 0);
  }

  /** The rate of a step, counted from 0. */
  public double at(long step) {
    double rate = highest;
    if (warmUp > 0) {
      rate *= Math.min(1, (step + 1.0) / warmUp);
    }
    if (schedule == Schedule.COSINE) {
      rate *= (1 + Math.cos(Math.PI * Math.min(1, step / (double) steps))) / 2;
    }
    return rate;
  }

  /**
   * The same in a graph.
   *
   * @param step how many were taken before, float32 {@code [1]}
   * @return the rate, {@code [1]}
   */
  String write(OperatorWriter write, String step) {
    String one = write.constant(1f);
    String rate = write.constant((float) highest);
    if (warmUp > 0) {
      String risen = write.div(write.add(step, one), write.constant((float) warmUp));
      rate = write.mul(rate, write.node("Min", risen, one));
    }
    if (schedule == Schedule.COSINE) {
      String done = write.node("Min", write.div(step, write.constant((float) steps)), one);
      String cosine = write.node("Cos", write.mul(done, write.constant((float) Math.PI)));
      rate = write.mul(rate, write.mul(write.add(cosine, one), write.constant(0.5f)));
    }
    return rate;
  }
}
