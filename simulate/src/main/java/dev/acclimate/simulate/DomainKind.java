package dev.acclimate.simulate;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.ImageSet;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A way in which a data set can look, at any severity: one of our corruptions, or a domain that the
 * set itself holds.
 */
public final class DomainKind {
  private final String name;
  private final boolean clean;
  private final DoubleFunction<ImageSet> bySeverity;
  private final @Nullable Corrupted corrupted;

  /** What is corrupted, and how. */
  private record Corrupted(ImageSet images, Corruption corruption, long seed) {

    /** The images as {@code shifts} leave them, one after another. */
    ImageSet under(List<Shift> shifts) {
      Corrupter corrupter = Corrupter.of(shifts, images, seed);
      return shifts.stream().allMatch(Shift::untouched)
          ? images
          : images.mapped(corrupter::corrupt);
    }
  }

  private DomainKind(
      String name,
      boolean clean,
      DoubleFunction<ImageSet> bySeverity,
      @Nullable Corrupted corrupted) {
    this.name = name;
    this.clean = clean;
    this.bySeverity = bySeverity;
    this.corrupted = corrupted;
  }

  /**
   * Images under a corruption.
   *
   * @param seed of everything random in the corrupted images
   * @throws dev.acclimate.models.InvalidInputException if the set holds values that the corruption
   *     is not defined on
   */
  public static DomainKind corrupted(ImageSet images, Corruption corruption, long seed) {
    Corrupted corrupted = new Corrupted(images, corruption, seed);
    return new DomainKind(
        corruption.id(),
        corruption == Corruption.NONE,
        severity -> corrupted.under(List.of(new Shift(corruption, severity))),
        corrupted);
  }

  /**
   * A domain that the set itself holds.
   *
   * @param bySeverity its images at severities 1 to 5
   */
  static DomainKind own(String name, IntFunction<ImageSet> bySeverity) {
    return new DomainKind(
        name,
        false,
        severity -> {
          if (severity != Math.rint(severity)) {
            throw new InvalidInputException(
                "severity: expected a whole number for %s, a domain of the data's own, found %s"
                    .formatted(name, severity));
          }
          return bySeverity.apply((int) severity);
        },
        null);
  }

  /** Images under each of several corruptions. */
  public static List<DomainKind> corrupted(
      ImageSet images, List<Corruption> corruptions, long seed) {
    return corruptions.stream().map(corruption -> corrupted(images, corruption, seed)).toList();
  }

  /**
   * The images on the straight line between two corruptions: {@code from} at {@code (1 - part) *
   * severity}, then {@code to} at {@code part * severity}. Where both are the same, nothing changes
   * on the way.
   *
   * @param part 0 ({@code from} alone) to 1 ({@code to} alone)
   * @param severity at the ends, 0 to 5
   * @throws InvalidInputException if one of them is a domain that a set itself holds, which can not
   *     be applied to other images, or they are not corruptions of one set with one seed
   */
  static ImageSet between(DomainKind from, DomainKind to, double part, double severity) {
    return from.chainable().corruption() == to.chainable().corruption()
        ? from.at(severity)
        : chained(List.of(from, to), List.of((1 - part) * severity, part * severity));
  }

  /**
   * The images as several corruptions leave them, one after another; or as a single domain of any
   * kind shows them.
   *
   * @param severities one a kind
   * @throws InvalidInputException as {@link #between}
   */
  static ImageSet chained(List<DomainKind> kinds, List<Double> severities) {
    if (kinds.size() == 1) {
      return kinds.get(0).at(severities.get(0));
    }
    Corrupted first = kinds.get(0).chainable();
    List<Shift> shifts = new ArrayList<>();
    for (int i = 0; i < kinds.size(); i++) {
      Corrupted next = kinds.get(i).chainable();
      if (next.images() != first.images() || next.seed() != first.seed()) {
        throw new InvalidInputException(
            "domains: expected %s and %s to be corruptions of the same images, found %s and %s"
                .formatted(
                    kinds.get(0), kinds.get(i), first.images().name(), next.images().name()));
      }
      shifts.add(new Shift(next.corruption(), severities.get(i)));
    }
    return first.under(shifts);
  }

  /** True where there is nothing between two whole severities: for domains of a set's own. */
  boolean wholeSeverities() {
    return corrupted == null;
  }

  /**
   * The same images with nothing done to them.
   *
   * @throws InvalidInputException if this is a domain that the set itself holds
   */
  DomainKind untouched() {
    Corrupted known = chainable();
    return corrupted(known.images(), Corruption.NONE, known.seed());
  }

  private Corrupted chainable() {
    if (corrupted == null) {
      throw new InvalidInputException(
          "domains: expected corruptions, which can be applied to other images, found "
              + name
              + ", a domain of the data's own");
    }
    return corrupted;
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
