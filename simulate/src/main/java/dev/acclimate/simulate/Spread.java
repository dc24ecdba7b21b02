package dev.acclimate.simulate;

import java.util.Arrays;

/**
 * Mean and standard deviation of a figure over seeds.
 *
 * @param deviation with n - 1; 0 for a single seed
 */
public record Spread(double mean, double deviation) {

  /** Of values, at least one. */
  public static Spread of(double... values) {
    double mean = Arrays.stream(values).average().orElse(Double.NaN);
    double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
    return new Spread(mean, values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)));
  }
}
