package dev.acclimate.simulate.arrivals;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.function.DoubleSupplier;

/**
 * Bursts: a Poisson process whose rate switches at random between two values, after exponentially
 * distributed times (a two-state Markov-modulated Poisson process; Fischer and Meier-Hellstern
 * 1993, "The Markov-modulated Poisson process (MMPP) cookbook").
 *
 * @param rate mean arrivals a second over bursts and calm
 * @param ratio of the rate in a burst to that in between, at least 1
 * @param burst mean seconds of a burst
 * @param calm mean seconds between bursts
 */
public record BurstyArrivals(double rate, double ratio, double burst, double calm)
    implements Arrivals {

  public static final double DEFAULT_RATIO = 10;
  public static final double DEFAULT_BURST = 1;
  public static final double DEFAULT_CALM = 4;

  /** The options as {@link Arrivals#parse} reads them in brackets. */
  public static final String DEFAULT_OPTIONS =
      "ratio=" + DEFAULT_RATIO + ";burst=" + DEFAULT_BURST + ";calm=" + DEFAULT_CALM;

  /**
   * Checks the values.
   *
   * @throws InvalidInputException if one is out of its range
   */
  public BurstyArrivals {
    Positive.require("rate", rate);
    if (!(ratio >= 1) || Double.isInfinite(ratio)) {
      throw new InvalidInputException(
          "arrivals: ratio: expected a number from 1 on, found " + ratio);
    }
    Positive.require("arrivals: burst", burst);
    Positive.require("arrivals: calm", calm);
  }

  /** Reads {@code bursty}, or that with some of its options in brackets. */
  static BurstyArrivals parse(String text, double rate) {
    BurstyArrivals read = new BurstyArrivals(rate, DEFAULT_RATIO, DEFAULT_BURST, DEFAULT_CALM);
    if (!text.contains("[")) {
      return read;
    }
    if (!text.endsWith("]")) {
      throw malformed(text);
    }
    for (String option : text.substring("bursty[".length(), text.length() - 1).split(";", -1)) {
      read = read.with(option, text);
    }
    return read;
  }

  private BurstyArrivals with(String option, String text) {
    String[] parts = option.split("=", -1);
    if (parts.length != 2) {
      throw malformed(text);
    }
    double value;
    try {
      value = Double.parseDouble(parts[1].strip());
    } catch (NumberFormatException e) {
      throw malformed(text);
    }
    return switch (parts[0].strip()) {
      case "ratio" -> new BurstyArrivals(rate, value, burst, calm);
      case "burst" -> new BurstyArrivals(rate, ratio, value, calm);
      case "calm" -> new BurstyArrivals(rate, ratio, burst, value);
      default -> throw malformed(text);
    };
  }

  private static InvalidInputException malformed(String text) {
    return new InvalidInputException(
        "arrivals: expected options of bursty[%s], found \"%s\"".formatted(DEFAULT_OPTIONS, text));
  }

  /** Arrivals a second between bursts. */
  double calmRate() {
    return rate * (burst + calm) / (ratio * burst + calm);
  }

  @Override
  public DoubleSupplier waits(long seed) {
    return new Waits(SeededRandom.of(seed, "bursty".hashCode()));
  }

  private final class Waits implements DoubleSupplier {
    private final SeededRandom random;
    private boolean bursting;
    private double untilSwitch;

    Waits(SeededRandom random) {
      this.random = random;
      bursting = random.nextDouble() < burst / (burst + calm);
      untilSwitch = dwell();
    }

    private double dwell() {
      return random.nextExponential() * (bursting ? burst : calm);
    }

    @Override
    public double getAsDouble() {
      double passed = 0;
      while (true) {
        double next = random.nextExponential() / (bursting ? ratio * calmRate() : calmRate());
        if (next < untilSwitch) {
          untilSwitch -= next;
          return passed + next;
        }
        // memoryless: from the switch on the wait is drawn anew
        passed += untilSwitch;
        bursting = !bursting;
        untilSwitch = dwell();
      }
    }
  }
}
