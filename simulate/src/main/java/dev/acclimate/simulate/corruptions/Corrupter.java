package dev.acclimate.simulate.corruptions;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Values;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Applies one {@link Shift} to images of one shape. Kernels are computed once; what is random about
 * a sample depends on (seed, corruption, severity, sample) alone, so neither the order nor the
 * number of threads changes a result.
 *
 * <p>Results are clipped to [0, 1] and cut down to steps of 1/255, as the published sets are: they
 * hold bytes, made by truncation. Safe for use by several threads.
 */
public final class Corrupter {

  private final Shift shift;
  private final ImageShape shape;
  private final long seed;
  private final Distortion distortion;

  private Corrupter(Shift shift, ImageShape shape, long seed) {
    this.shift = shift;
    this.shape = shape;
    this.seed = seed;
    this.distortion = distortion(shift, shape);
  }

  /**
   * A corrupter for images of one shape.
   *
   * @param seed of everything random in the corrupted images
   */
  public static Corrupter of(Shift shift, ImageShape shape, long seed) {
    return new Corrupter(shift, shape, seed);
  }

  /**
   * A corrupter for the images of a set.
   *
   * @throws InvalidInputException if the corruption is not defined on what the set holds
   */
  public static Corrupter of(Shift shift, ImageSet images, long seed) {
    if (!shift.corruption().family().definedOn(images.values())) {
      throw new InvalidInputException(
          "corruptions: %s is not defined on %s, which holds %s"
              .formatted(shift.corruption(), images.name(), describe(images.values())));
    }
    return of(shift, images.shape(), seed);
  }

  private static String describe(Values values) {
    return switch (values) {
      case PIXELS -> "pixels";
      case MODEL_INPUTS -> "model inputs (float values outside [0, 1])";
      case MEASUREMENTS -> "measurements";
    };
  }

  private static Distortion distortion(Shift shift, ImageShape shape) {
    int severity = shift.severity();
    return switch (shift.corruption()) {
      case NONE -> (chw, random) -> {};
      case GAUSSIAN_NOISE -> Noise.gaussian(Severities.gaussianNoise(shape, severity));
      case SHOT_NOISE -> Noise.shot(Severities.shotNoise(shape, severity));
      case IMPULSE_NOISE -> Noise.impulse(Severities.impulseNoise(shape, severity));
      case DEFOCUS_BLUR -> new DefocusBlur(shape, Severities.defocusBlur(shape, severity));
      case GLASS_BLUR -> new GlassBlur(shape, Severities.glassBlur(shape, severity));
      case MOTION_BLUR -> new MotionBlur(shape, Severities.motionBlur(shape, severity), -45, 45);
      case ZOOM_BLUR -> new ZoomBlur(shape, Severities.zoomBlur(shape, severity));
      case SNOW -> new Snow(shape, Severities.snow(shape, severity));
      case FROST -> new Frost(shape, Severities.frost(shape, severity));
      case FOG -> new Fog(shape, Severities.fog(shape, severity));
      case BRIGHTNESS -> Tone.brightness(shape, Severities.brightness(shape, severity));
      case CONTRAST -> Tone.contrast(shape, Severities.contrast(shape, severity));
      case ELASTIC_TRANSFORM ->
          new ElasticTransform(shape, Severities.elasticTransform(shape, severity));
      case PIXELATE -> new Pixelate(shape, Severities.pixelate(shape, severity));
      case JPEG_COMPRESSION ->
          new JpegCompression(shape, Severities.jpegCompression(shape, severity));
    };
  }

  /** What is applied. */
  public Shift shift() {
    return shift;
  }

  /**
   * Corrupts one image in place.
   *
   * @param sample the image's number in its set, which its randomness hangs on
   * @param chw {@code [C, H, W]} in [0, 1]
   */
  public void corrupt(int sample, float[] chw) {
    if (shift.corruption() == Corruption.NONE) {
      return;
    }
    if (chw.length != shape.size()) {
      throw new IllegalArgumentException(
          "expected %d values for %s, found %d".formatted(shape.size(), shape, chw.length));
    }
    distortion.apply(
        chw, SeededRandom.of(seed, shift.corruption().id().hashCode(), shift.severity(), sample));
    Bytes.truncate(chw);
  }

  /**
   * Corrupts a batch in place, over all cores.
   *
   * @param samples {@code [B]}, the images' numbers in their set
   * @param images {@code [B][C * H * W]} in [0, 1]
   */
  public void corruptAll(int[] samples, float[][] images) {
    Objects.checkFromToIndex(0, images.length, samples.length);
    IntStream.range(0, images.length).parallel().forEach(i -> corrupt(samples[i], images[i]));
  }
}
