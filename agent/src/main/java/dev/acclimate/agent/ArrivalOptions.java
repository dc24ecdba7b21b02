package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.Segment;
import dev.acclimate.simulate.arrivals.ArrivalTimes;
import dev.acclimate.simulate.arrivals.ArrivalTimes.Stretch;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.arrivals.BurstyArrivals;
import dev.acclimate.streams.StreamReplay.Timetable;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say when the samples of a replay are sent. */
final class ArrivalOptions {
  private static final double REAL_SPEED = 1;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "Samples a second, on average. Default: as fast as Kafka takes them.")
  private @Nullable Double rate;

  @Option(
      names = "--arrivals",
      paramLabel = "P",
      description =
          "How they arrive: uniform, poisson, bursty (options: bursty["
              + BurstyArrivals.DEFAULT_OPTIONS
              + "], the rate in bursts to that in between and mean seconds of both), or trace:FILE"
              + " (a timestamp a line, seconds or ISO-8601). Default: uniform.")
  private @Nullable String arrivals;

  @Option(
      names = "--speed",
      paramLabel = "X",
      defaultValue = "" + REAL_SPEED,
      description =
          "Send so many times faster than they arrive; records keep the timestamps of arrivals."
              + " Default: ${DEFAULT-VALUE}.")
  private double speed;

  /**
   * Reads the options.
   *
   * @return null for as fast as Kafka takes the samples
   * @throws InvalidInputException if one is wrong
   */
  @Nullable Arrivals process() {
    if (!(speed > 0) || Double.isInfinite(speed)) {
      throw new InvalidInputException("--speed: expected a number above 0, found " + speed);
    }
    if (arrivals == null && rate == null) {
      return null;
    }
    try {
      return Arrivals.parse(
          arrivals == null ? "uniform" : arrivals,
          rate == null ? OptionalDouble.empty() : OptionalDouble.of(rate));
    } catch (InvalidInputException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith("rate:") || message.startsWith("arrivals:")
          ? new InvalidInputException("--" + message, e)
          : e;
    }
  }

  /**
   * When the samples of a stream are sent.
   *
   * @param process as {@link #process} gave it
   * @param samples at most so many
   * @throws InvalidInputException if there is a speed, but nothing to be faster than
   */
  Timetable timetable(@Nullable Arrivals process, DomainStream stream, long samples, long seed) {
    List<Stretch> stretches = stream.segments().stream().map(Segment::arrivals).toList();
    boolean timed = stretches.stream().anyMatch(one -> one.arrivals() != null || one.gap() > 0);
    if (process == null && !timed) {
      if (speed != REAL_SPEED) {
        throw new InvalidInputException(
            "--speed: expected --rate, --arrivals or a scenario with arrivals, found none");
      }
      return Timetable.AT_ONCE;
    }
    LongSupplier rehearsal = new ArrivalTimes(stretches, process, seed);
    long length =
        LongStream.generate(rehearsal)
            .limit(Math.min(samples, stream.size()))
            .reduce(0, (earlier, later) -> later);
    return new Timetable(new ArrivalTimes(stretches, process, seed), length, speed);
  }
}
