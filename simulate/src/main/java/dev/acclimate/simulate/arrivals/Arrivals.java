package dev.acclimate.simulate.arrivals;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;

/** A process by which samples arrive, one after the other without end. */
public sealed interface Arrivals
    permits Arrivals.Uniform, Arrivals.Poisson, BurstyArrivals, TraceArrivals {

  /** The forms {@link #parse} knows, for messages and help texts. */
  String KNOWN =
      "uniform, poisson, bursty, bursty[" + BurstyArrivals.DEFAULT_OPTIONS + "], trace:FILE";

  /**
   * Seconds to wait before each arrival: before the first one from the start, then from one to the
   * next.
   *
   * @param seed of everything random
   */
  DoubleSupplier waits(long seed);

  /**
   * Reads a process as written after {@code --arrivals}.
   *
   * @param rate mean arrivals a second; empty for a trace, which has its own
   * @throws InvalidInputException if {@code text} is none of {@link #KNOWN}, the rate is not above
   *     0, missing, or given for a trace, or the trace can not be read
   */
  static Arrivals parse(String text, OptionalDouble rate) {
    if (text.startsWith("trace:")) {
      if (rate.isPresent()) {
        throw new InvalidInputException(
            "rate: expected none with a trace, whose timestamps tell it, found "
                + rate.getAsDouble());
      }
      return TraceArrivals.read(Path.of(text.substring("trace:".length())));
    }
    if (text.equals("bursty") || text.startsWith("bursty[")) {
      return BurstyArrivals.parse(text, required(rate));
    }
    return switch (text) {
      case "uniform" -> new Uniform(required(rate));
      case "poisson" -> new Poisson(required(rate));
      default ->
          throw new InvalidInputException(
              "arrivals: expected one of %s, found \"%s\"".formatted(KNOWN, text));
    };
  }

  private static double required(OptionalDouble rate) {
    return rate.orElseThrow(
        () -> new InvalidInputException("rate: expected samples a second, found nothing"));
  }

  /**
   * Always the same time apart.
   *
   * @param rate arrivals a second
   */
  record Uniform(double rate) implements Arrivals {
    public Uniform {
      Positive.require("rate", rate);
    }

    @Override
    public DoubleSupplier waits(long seed) {
      return () -> 1 / rate;
    }
  }

  /**
   * Independent of one another: a Poisson process.
   *
   * @param rate mean arrivals a second
   */
  record Poisson(double rate) implements Arrivals {
    public Poisson {
      Positive.require("rate", rate);
    }

    @Override
    public DoubleSupplier waits(long seed) {
      SeededRandom random = SeededRandom.of(seed, "poisson".hashCode());
      return () -> random.nextExponential() / rate;
    }
  }
}
