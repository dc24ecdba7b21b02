package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ChannelStatistics;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;

/**
 * What goes wrong with sensors, in units of each channel's standard deviation over the set, at
 * severities 1 to 5. The strengths are our own: no benchmark is agreed upon.
 *
 * <p>Offset and gain belong to the device: every sample of a set gets the same ones, drawn once per
 * (seed, corruption, channel), and severity only scales them, so that a rising severity is one
 * device that drifts further and further off. Noise, gaps and jitter differ from sample to sample.
 */
final class SensorDrift {
  private static final double[] OFFSET = {0.25, 0.5, 1, 1.5, 2.5};
  private static final double[] GAIN = {0.1, 0.2, 0.4, 0.6, 0.9};
  private static final double[] NOISE = {0.1, 0.2, 0.4, 0.6, 1};
  private static final double[] DROPOUT = {0.1, 0.2, 0.3, 0.4, 0.5};
  private static final double[] JITTER = {0.1, 0.2, 0.4, 0.6, 0.9};

  private final ChannelStatistics channels;
  private final SeededRandom device;

  /**
   * @param device draws what belongs to the device
   */
  SensorDrift(ChannelStatistics channels, SeededRandom device) {
    this.channels = channels;
    this.device = device;
  }

  private int count() {
    return channels.means().size();
  }

  private double deviation(int channel) {
    return channels.deviations().get(channel);
  }

  private double mean(int channel) {
    return channels.means().get(channel);
  }

  /** One number a channel for the whole device: either sign, 0.5 to 1 in size. */
  private double[] ofTheDevice() {
    double[] draws = new double[count()];
    for (int channel = 0; channel < draws.length; channel++) {
      double sign = device.nextDouble() < 0.5 ? -1 : 1;
      draws[channel] = sign * device.nextDouble(0.5, 1);
    }
    return draws;
  }

  /** A bias: half to all of {@code OFFSET} deviations, up or down. */
  Distortion offset(int severity) {
    double[] device = ofTheDevice();
    return (values, random) -> {
      int steps = values.length / count();
      for (int i = 0; i < values.length; i++) {
        int channel = i / steps;
        values[i] += (float) (OFFSET[severity - 1] * device[channel] * deviation(channel));
      }
    };
  }

  /**
   * Another span: a factor of {@code exp(±GAIN)}, or half of that in the exponent, on the distance
   * from the channel's mean. About the mean, not about zero, so that it does not depend on where a
   * unit has its zero.
   */
  Distortion gain(int severity) {
    double[] device = ofTheDevice();
    return (values, random) -> {
      int steps = values.length / count();
      for (int channel = 0; channel < count(); channel++) {
        double factor = StrictMath.exp(GAIN[severity - 1] * device[channel]);
        for (int i = channel * steps; i < (channel + 1) * steps; i++) {
          values[i] = (float) (mean(channel) + factor * (values[i] - mean(channel)));
        }
      }
    };
  }

  /** White normal noise of {@code NOISE} deviations on each value. */
  Distortion noiseFloor(int severity) {
    return (values, random) -> {
      int steps = values.length / count();
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) (NOISE[severity - 1] * deviation(i / steps) * random.nextGaussian());
      }
    };
  }

  /**
   * Channels that go dead: each with probability {@code DROPOUT}, from a step that is uniform over
   * the window and the time of one window before it. A dead channel keeps its last value; one that
   * was dead before the window began reads its mean.
   */
  Distortion channelDropout(int severity) {
    return (values, random) -> {
      int steps = values.length / count();
      for (int channel = 0; channel < count(); channel++) {
        boolean dead = random.nextDouble() < DROPOUT[severity - 1];
        int from = Math.max(0, random.nextInt(2 * steps) - steps);
        if (dead) {
          int start = channel * steps;
          float held = from == 0 ? (float) mean(channel) : values[start + from - 1];
          Arrays.fill(values, start + from, start + steps, held);
        }
      }
    };
  }

  /**
   * Irregular sampling: the times between samples have a log-normal distribution with {@code
   * JITTER} as deviation of the logarithm, scaled so that they fill the window; values between the
   * given steps are interpolated linearly. One clock for all channels.
   */
  Distortion samplingJitter(int severity) {
    return (values, random) -> {
      int steps = values.length / count();
      double[] times = times(steps, JITTER[severity - 1], random);
      float[] regular = values.clone();
      for (int i = 0; i < values.length; i++) {
        double time = times[i % steps];
        int before = Math.min((int) time, steps - 1);
        int after = Math.min(before + 1, steps - 1);
        int start = i - i % steps;
        float low = regular[start + before];
        values[i] = (float) (low + (time - before) * (regular[start + after] - low));
      }
    };
  }

  /** Rising times from 0 to {@code steps - 1}. */
  private static double[] times(int steps, double deviation, SeededRandom random) {
    double[] times = new double[steps];
    for (int step = 1; step < steps; step++) {
      times[step] = times[step - 1] + StrictMath.exp(deviation * random.nextGaussian());
    }
    double scale = steps > 1 ? (steps - 1) / times[steps - 1] : 0;
    for (int step = 1; step < steps; step++) {
      times[step] = Math.min(steps - 1, times[step] * scale);
    }
    return times;
  }
}
