package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The kinds of corruption, named as in the published sets (Hendrycks and Dietterich, ICLR 2019,
 * "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations").
 */
public enum Corruption {
  /** The images as they are. */
  NONE("none"),
  /** Normal noise on each value. */
  GAUSSIAN_NOISE("gaussian_noise"),
  /** Poisson noise: few photons. */
  SHOT_NOISE("shot_noise"),
  /** Salt and pepper: values stuck at either end. */
  IMPULSE_NOISE("impulse_noise"),
  /** A disc-shaped blur. */
  DEFOCUS_BLUR("defocus_blur"),
  /** A bright random cloud over the image. */
  FOG("fog"),
  /** A shift of the value in HSV. */
  BRIGHTNESS("brightness"),
  /** Everything closer to the channel's mean. */
  CONTRAST("contrast"),
  /** Fewer, larger pixels. */
  PIXELATE("pixelate");

  private final String id;

  Corruption(String id) {
    this.id = id;
  }

  /** The name in flags and reports, for example {@code gaussian_noise}. */
  public String id() {
    return id;
  }

  /**
   * Finds a corruption by its name.
   *
   * @throws InvalidInputException if there is no such corruption; the message lists those there are
   */
  public static Corruption parse(String id) {
    for (Corruption corruption : values()) {
      if (corruption.id.equals(id)) {
        return corruption;
      }
    }
    throw new InvalidInputException(
        "corruptions: expected any of %s, found \"%s\""
            .formatted(
                Arrays.stream(values()).map(Corruption::id).collect(Collectors.joining(", ")), id));
  }

  /**
   * Reads names separated by commas.
   *
   * @throws InvalidInputException if one is unknown
   */
  public static List<Corruption> parseList(String ids) {
    List<Corruption> corruptions = new ArrayList<>();
    for (String id : ids.split(",", -1)) {
      corruptions.add(parse(id.strip()));
    }
    return List.copyOf(corruptions);
  }

  @Override
  public String toString() {
    return id;
  }
}
