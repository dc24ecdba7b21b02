package dev.acclimate.simulate.arrivals;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The times at which the samples of a stream arrive, in nanoseconds from its start, one after
 * another. Behind the stream's end all arrive with its last. Not safe for use by several threads.
 */
public final class ArrivalTimes implements LongSupplier {

  /**
   * A stretch of a stream.
   *
   * @param samples in it
   * @param gap seconds of silence before it
   * @param arrivals of its samples; null for what all stretches without have in common
   */
  public record Stretch(int samples, double gap, @Nullable Arrivals arrivals) {}

  private final List<Stretch> stretches;
  private final DoubleSupplier common;
  private final long seed;
  private int stretch = -1;
  private int left;
  private DoubleSupplier waits;
  private double seconds;

  /**
   * The times of a stream.
   *
   * @param common how the samples arrive of stretches that do not say; null for all at once
   * @param seed of everything random
   */
  public ArrivalTimes(List<Stretch> stretches, @Nullable Arrivals common, long seed) {
    this.stretches = List.copyOf(stretches);
    this.common = common == null ? () -> 0 : common.waits(seed);
    this.seed = seed;
    this.waits = this.common;
  }

  @Override
  public long getAsLong() {
    while (left == 0 && stretch < stretches.size()) {
      enter(++stretch);
    }
    if (left > 0) {
      left--;
      seconds += waits.getAsDouble();
    }
    return Math.round(seconds * 1e9);
  }

  private void enter(int next) {
    if (next < stretches.size()) {
      Stretch entered = stretches.get(next);
      left = entered.samples();
      seconds += entered.gap();
      waits =
          entered.arrivals() == null
              ? common
              : entered.arrivals().waits(SeededRandom.of(seed, next).nextLong());
    }
  }
}
