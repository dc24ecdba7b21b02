package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The kinds of corruption, each on values of one {@link Family}. Those of images are named as in
 * the published sets (Hendrycks and Dietterich, ICLR 2019, "Benchmarking Neural Network Robustness
 * to Common Corruptions and Perturbations").
 */
public enum Corruption {
  /** The images as they are. */
  NONE("none", Family.ANY),
  /** Normal noise on each value. */
  GAUSSIAN_NOISE("gaussian_noise"),
  /** Poisson noise: few photons. */
  SHOT_NOISE("shot_noise"),
  /** Salt and pepper: values stuck at either end. */
  IMPULSE_NOISE("impulse_noise"),
  /** A disc-shaped blur. */
  DEFOCUS_BLUR("defocus_blur"),
  /** As if through frosted glass: blurred, with pixels out of place. */
  GLASS_BLUR("glass_blur"),
  /** A blur along a random direction. */
  MOTION_BLUR("motion_blur"),
  /** A blur away from the centre. */
  ZOOM_BLUR("zoom_blur"),
  /** Falling flakes over a paler scene. */
  SNOW("snow"),
  /** Ice crystals on a pane. */
  FROST("frost"),
  /** A bright random cloud over the image. */
  FOG("fog"),
  /** A shift of the value in HSV. */
  BRIGHTNESS("brightness"),
  /** Everything closer to the channel's mean. */
  CONTRAST("contrast"),
  /** Small parts pulled out of place. */
  ELASTIC_TRANSFORM("elastic_transform"),
  /** Fewer, larger pixels. */
  PIXELATE("pixelate"),
  /** Stored as JPEG of low quality. */
  JPEG_COMPRESSION("jpeg_compression");

  /** In {@link #parseList}, stands for {@link #PUBLISHED}. */
  public static final String ALL = "all";

  /** The 15 corruptions of the benchmark in their published order. */
  public static final List<Corruption> PUBLISHED =
      List.copyOf(EnumSet.range(GAUSSIAN_NOISE, JPEG_COMPRESSION));

  private final String id;
  private final Family family;

  Corruption(String id) {
    this(id, Family.IMAGE);
  }

  Corruption(String id, Family family) {
    this.id = id;
    this.family = family;
  }

  /** The name in flags and reports, for example {@code gaussian_noise}. */
  public String id() {
    return id;
  }

  /** What it is defined on. */
  public Family family() {
    return family;
  }

  /**
   * Reads names separated by commas; {@value #ALL} stands for {@link #PUBLISHED}.
   *
   * @throws InvalidInputException if one is unknown; the message lists those there are
   */
  public static List<Corruption> parseList(String ids) {
    List<Corruption> corruptions = new ArrayList<>();
    for (String id : ids.split(",", -1)) {
      corruptions.addAll(parse(id.strip()));
    }
    return List.copyOf(corruptions);
  }

  private static List<Corruption> parse(String id) {
    if (id.equals(ALL)) {
      return PUBLISHED;
    }
    for (Corruption corruption : values()) {
      if (corruption.id.equals(id)) {
        return List.of(corruption);
      }
    }
    throw new InvalidInputException(
        "corruptions: expected any of %s, %s, found \"%s\""
            .formatted(
                Arrays.stream(values()).map(Corruption::id).collect(Collectors.joining(", ")),
                ALL,
                id));
  }

  @Override
  public String toString() {
    return id;
  }
}
