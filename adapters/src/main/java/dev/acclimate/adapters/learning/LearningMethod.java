package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.MethodSpec;
import dev.acclimate.adapters.Nap;
import dev.acclimate.adapters.OptionReader;
import dev.acclimate.models.InvalidInputException;
import java.util.Optional;

/**
 * What learning does to normalizations and weights, as users write it: {@code bn}, {@code
 * adab2n[kappa=0.5;lambda=0.1]}, each with {@code +nap} or {@code +nap[every=1000]} behind it.
 *
 * @param text as written
 * @param balanced AdaB2N's statistics; empty for plain BatchNormalization, whose running variance
 *     is the unbiased one and moves by 0.1 a step
 * @param nap projection of the weights, empty where they are free
 */
public record LearningMethod(
    String text, Optional<BalancedStatistics> balanced, Optional<Nap> nap) {
  /**
   * Reads a method.
   *
   * @throws InvalidInputException when there is no such method or an option is wrong
   */
  public static LearningMethod parse(String text) {
    MethodSpec spec = MethodSpec.parse(text);
    if (spec.companions().size() > 1) {
      throw unknown(text);
    }
    OptionReader options = new OptionReader(spec);
    Optional<BalancedStatistics> balanced =
        switch (spec.name()) {
          case "bn" -> Optional.empty();
          case "adab2n" -> Optional.of(BalancedStatistics.read(options));
          default -> throw unknown(text);
        };
    options.done();
    Optional<Nap> nap =
        spec.companions().stream().map(companion -> nap(text, companion)).findFirst();
    return new LearningMethod(text.strip(), balanced, nap);
  }

  private static InvalidInputException unknown(String text) {
    return new InvalidInputException(
        "learning method '" + text + "': expected bn or adab2n, and nothing or +nap behind it");
  }

  private static Nap nap(String text, MethodSpec spec) {
    if (!spec.name().equals(Nap.NAME)) {
      throw unknown(text);
    }
    return Nap.read(spec);
  }

  @Override
  public String toString() {
    return text;
  }
}
