package dev.acclimate.simulate.data;

import dev.acclimate.models.InvalidInputException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** What the sets that hold shifted domains of their own have in common. */
final class OwnDomains {

  /** Severities are 1 to this. */
  static final int SEVERITIES = 5;

  /** The benchmark's corruptions and the four extra ones (Hendrycks and Dietterich, ICLR 2019). */
  static final List<String> HENDRYCKS =
      List.of(
          "gaussian_noise",
          "shot_noise",
          "impulse_noise",
          "defocus_blur",
          "glass_blur",
          "motion_blur",
          "zoom_blur",
          "snow",
          "frost",
          "fog",
          "brightness",
          "contrast",
          "elastic_transform",
          "pixelate",
          "jpeg_compression",
          "speckle_noise",
          "gaussian_blur",
          "spatter",
          "saturate");

  /** MNIST-C's (Mu and Gilmer 2019), in the paper's order. */
  static final List<String> MNIST_C =
      List.of(
          "shot_noise",
          "impulse_noise",
          "glass_blur",
          "motion_blur",
          "shear",
          "scale",
          "rotate",
          "brightness",
          "translate",
          "stripe",
          "fog",
          "spatter",
          "dotted_line",
          "zigzag",
          "canny_edges");

  private OwnDomains() {}

  /** Those of {@code published} in that order, then the others by name. */
  static List<String> inOrder(Collection<String> names, List<String> published) {
    return names.stream()
        .sorted(
            Comparator.comparingInt(
                    (String name) -> {
                      int place = published.indexOf(name);
                      return place < 0 ? published.size() : place;
                    })
                .thenComparing(Comparator.naturalOrder()))
        .toList();
  }

  /**
   * Gives {@code names} back.
   *
   * @param wanted what a folder with domains would hold
   * @throws InvalidInputException if there are none
   */
  static List<String> some(List<String> names, Path directory, String wanted) {
    if (names.isEmpty()) {
      throw new InvalidInputException("%s: expected %s, found none".formatted(directory, wanted));
    }
    return names;
  }

  /** What to throw where a set has shifted samples only. */
  static InvalidInputException nothingClean(Path directory, List<String> domains, String remedy) {
    return new InvalidInputException(
        "%s holds no clean samples: name its own domains (%s) as corruptions and leave out none, or %s"
            .formatted(directory, String.join(", ", domains), remedy));
  }

  /**
   * Checks a domain's name.
   *
   * @throws InvalidInputException if it is none of {@code known}
   */
  static void requireKnown(String name, List<String> known) {
    if (!known.contains(name)) {
      throw unknown(name, known);
    }
  }

  /** What to throw where {@code name} is none of {@code known}. */
  static InvalidInputException unknown(String name, List<String> known) {
    return new InvalidInputException(
        "data: expected one of the set's own domains %s, found \"%s\"".formatted(known, name));
  }

  /**
   * Checks a severity.
   *
   * @throws InvalidInputException if it is not 1 to 5
   */
  static void requireSeverity(int severity) {
    if (severity < 1 || severity > SEVERITIES) {
      throw new InvalidInputException(
          "severity: expected 1 to %d, found %d".formatted(SEVERITIES, severity));
    }
  }
}
