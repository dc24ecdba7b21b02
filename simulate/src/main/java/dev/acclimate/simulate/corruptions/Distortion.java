package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ChannelStatistics;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.function.Supplier;

/** One corruption at one severity for one image shape. Safe for use by several threads. */
@FunctionalInterface
interface Distortion {

  /**
   * Changes an image in place.
   *
   * @param chw pixels in [0, 1], which may leave that range, the caller clips; or measurements
   * @param random belongs to this image
   */
  void apply(float[] chw, SeededRandom random);

  /**
   * The distortion of samples of one shape.
   *
   * @param severity 1 to 5
   * @param channels of the set, which the strengths of sensor drift are measured in
   * @param device draws what does not change from one sample to the next
   */
  static Distortion of(
      Corruption corruption,
      int severity,
      ImageShape shape,
      Supplier<ChannelStatistics> channels,
      SeededRandom device) {
    return switch (corruption) {
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
      case SPECKLE_NOISE -> Noise.speckle(Severities.speckleNoise(shape, severity));
      case GAUSSIAN_BLUR ->
          GaussianBlur.of(shape.height(), shape.width(), Severities.gaussianBlur(shape, severity));
      case SPATTER -> new Spatter(shape, Severities.spatter(shape, severity));
      case SATURATE -> Tone.saturate(shape, Severities.saturate(shape, severity));
      case DARKNESS -> Exposure.darkness(Severities.darkness(shape, severity));
      case COLOUR_CAST -> Exposure.colourCast(shape, Severities.colourCast(severity));
      case BLACKOUT -> Exposure.blackout(severity);
      case SENSOR_OFFSET -> new SensorDrift(channels.get(), device).offset(severity);
      case SENSOR_GAIN -> new SensorDrift(channels.get(), device).gain(severity);
      case NOISE_FLOOR -> new SensorDrift(channels.get(), device).noiseFloor(severity);
      case CHANNEL_DROPOUT -> new SensorDrift(channels.get(), device).channelDropout(severity);
      case SAMPLING_JITTER -> new SensorDrift(channels.get(), device).samplingJitter(severity);
    };
  }
}
