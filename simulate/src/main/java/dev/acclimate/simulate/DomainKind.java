package dev.acclimate.simulate;

import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.ImageSet;
import java.util.List;
import java.util.function.DoubleFunction;

/**
 * A way in which a data set can look, at any severity: one of our corruptions, or a domain that the
 * set itself holds.
 */
public final class DomainKind {
  private final String name;
  private final boolean clean;
  private final DoubleFunction<ImageSet> bySeverity;

  private DomainKind(String name, boolean clean, DoubleFunction<ImageSet> bySeverity) {
    this.name = name;
    this.clean = clean;
    this.bySeverity = bySeverity;
  }

  /**
   * Images under a corruption.
   *
   * @param seed of everything random in the corrupted images
   * @throws dev.acclimate.models.InvalidInputException if the set holds values that the corruption
   *     is not defined on
   */
  public static DomainKind corrupted(ImageSet images, Corruption corruption, long seed) {
    return new DomainKind(
        corruption.id(),
        corruption == Corruption.NONE,
        severity -> {
          Corrupter corrupter = Corrupter.of(new Shift(corruption, severity), images, seed);
          return corruption == Corruption.NONE ? images : images.mapped(corrupter::corrupt);
        });
  }

  /** Images under each of several corruptions. */
  public static List<DomainKind> corrupted(
      ImageSet images, List<Corruption> corruptions, long seed) {
    return corruptions.stream().map(corruption -> corrupted(images, corruption, seed)).toList();
  }

  /** The name in flags and reports. */
  public String name() {
    return name;
  }

  /** True where nothing is done to the images. */
  public boolean clean() {
    return clean;
  }

  /**
   * The images at a severity.
   *
   * @param severity 0 (untouched) to 5; without effect for clean images and for domains that come
   *     in one severity only
   */
  public ImageSet at(double severity) {
    return bySeverity.apply(severity);
  }

  @Override
  public String toString() {
    return name;
  }
}
