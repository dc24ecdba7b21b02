package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The kinds of corruption, each on values of one {@link Family}. Those of images are named as in
 * the published sets (Hendrycks and Dietterich, ICLR 2019, "Benchmarking Neural Network Robustness
 * to Common Corruptions and Perturbations"), but for three that are ours and say so.
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
  JPEG_COMPRESSION("jpeg_compression"),
  /** Normal noise in proportion to each value. */
  SPECKLE_NOISE("speckle_noise"),
  /** A Gaussian blur. */
  GAUSSIAN_BLUR("gaussian_blur"),
  /** Splashes on the lens: water up to severity 3, mud from 4 on. */
  SPATTER("spatter"),
  /** Paler colours at severities 1 and 2, stronger ones from 3 on. */
  SATURATE("saturate"),
  /** Ours: less light on the sensor, hence more noise in what is left. */
  DARKNESS("darkness"),
  /** Ours: the white balance of another camera, warmer than it should be. */
  COLOUR_CAST("colour_cast"),
  /** Ours: less and less light, a fifth each step, without noise; black at severity 5. */
  BLACKOUT("blackout"),
  /** Every channel of a sensor off by a constant. */
  SENSOR_OFFSET("sensor_offset", Family.SENSOR),
  /** Every channel of a sensor too sensitive, or not enough. */
  SENSOR_GAIN("sensor_gain", Family.SENSOR),
  /** White noise in every channel. */
  NOISE_FLOOR("noise_floor", Family.SENSOR),
  /** Channels that stop and hold their last value. */
  CHANNEL_DROPOUT("channel_dropout", Family.SENSOR),
  /** Samples taken at irregular times. */
  SAMPLING_JITTER("sampling_jitter", Family.SENSOR);

  /** In {@link #parseList}, stands for {@link #PUBLISHED}. */
  public static final String ALL = "all";

  /** In {@link #parseList}, stands for {@link #PUBLISHED} and {@link #EXTRA}. */
  public static final String ALL_19 = "all19";

  /** The 15 corruptions of the benchmark in their published order. */
  public static final List<Corruption> PUBLISHED =
      List.copyOf(EnumSet.range(GAUSSIAN_NOISE, JPEG_COMPRESSION));

  /** The 4 that were published beside the benchmark, for tuning, in their published order. */
  public static final List<Corruption> EXTRA = List.copyOf(EnumSet.range(SPECKLE_NOISE, SATURATE));

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

  /** What {@value #ALL} stands for on values of one family: {@link #PUBLISHED} for images. */
  public static List<Corruption> all(Family family) {
    return family == Family.IMAGE
        ? PUBLISHED
        : Arrays.stream(values()).filter(corruption -> corruption.family == family).toList();
  }

  /**
   * Reads names separated by commas; {@value #ALL} stands for {@link #PUBLISHED}, {@value #ALL_19}
   * for these and {@link #EXTRA}.
   *
   * @throws InvalidInputException if one is unknown; the message lists those there are
   */
  public static List<Corruption> parseList(String ids) {
    return parseList(ids, Family.IMAGE);
  }

  /**
   * Reads names separated by commas, of any family.
   *
   * @param family what {@value #ALL} stands for, see {@link #all}
   * @throws InvalidInputException if one is unknown; the message lists those there are
   */
  public static List<Corruption> parseList(String ids, Family family) {
    List<Corruption> corruptions = new ArrayList<>();
    for (String id : ids.split(",", -1)) {
      corruptions.addAll(parse(id.strip(), family));
    }
    return List.copyOf(corruptions);
  }

  private static List<Corruption> parse(String id, Family family) {
    if (id.equals(ALL)) {
      return all(family);
    }
    if (id.equals(ALL_19)) {
      return Stream.concat(PUBLISHED.stream(), EXTRA.stream()).toList();
    }
    for (Corruption corruption : values()) {
      if (corruption.id.equals(id)) {
        return List.of(corruption);
      }
    }
    throw new InvalidInputException(
        "corruptions: expected any of %s, %s, %s, found \"%s\""
            .formatted(
                Arrays.stream(values()).map(Corruption::id).collect(Collectors.joining(", ")),
                ALL,
                ALL_19,
                id));
  }

  @Override
  public String toString() {
    return id;
  }
}
