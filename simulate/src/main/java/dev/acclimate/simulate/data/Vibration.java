package dev.acclimate.simulate.data;

import dev.acclimate.simulate.random.SeededRandom;

/**
 * What an accelerometer on a bearing housing measures, in m/s²: a window of {@value #STEPS} steps
 * in three directions, with gravity. Each window is of another machine at another speed and load,
 * its sensor mounted a little askew, so that neither a mean nor a variance alone gives a fault
 * away.
 */
final class Vibration {
  static final int STEPS = 128;
  static final int HORIZONTAL = 0;
  static final int VERTICAL = 1;
  static final int AXIAL = 2;
  static final int CHANNELS = 3;

  private static final double GRAVITY = 9.81;

  private final float[] values = new float[CHANNELS * STEPS];

  /** Turns of the shaft a step; five to eight turns a window. */
  private final double speed;

  private Vibration(double speed) {
    this.speed = speed;
  }

  /** A window {@code [3, 128]} of a machine in some state. */
  static float[] draw(MachineState state, SeededRandom random) {
    Vibration vibration = new Vibration(random.nextDouble(0.04, 0.0625));
    double load = StrictMath.exp(0.3 * random.nextGaussian());
    vibration.mount(random);
    vibration.run(load, random);
    state.add(vibration, load * random.nextDouble(0.5, 1.4), random);
    return vibration.values;
  }

  /** Gravity as a sensor that is not quite upright sees it, and its slow drift. */
  private void mount(SeededRandom random) {
    double sideways = 0.05 * random.nextGaussian();
    double along = 0.05 * random.nextGaussian();
    double[] gravity = {
      GRAVITY * sideways,
      GRAVITY * StrictMath.sqrt(1 - sideways * sideways - along * along),
      GRAVITY * along
    };
    for (int channel = 0; channel < CHANNELS; channel++) {
      double drift = 0.15 * random.nextGaussian() / STEPS;
      for (int step = 0; step < STEPS; step++) {
        values[channel * STEPS + step] += (float) (gravity[channel] + drift * (step - STEPS / 2));
      }
    }
  }

  /** What every machine does: some imbalance, some mesh, and noise. */
  private void run(double load, SeededRandom random) {
    for (int channel = 0; channel < CHANNELS; channel++) {
      tone(channel, 0.4 * load * random.nextDouble(), 1, random.nextDouble());
      tone(channel, 0.25 * load * random.nextDouble(), 2, random.nextDouble());
      tone(channel, 0.25 * load * random.nextDouble(), 5 + random.nextInt(2), random.nextDouble());
      double noise = 0.35 * StrictMath.exp(0.3 * random.nextGaussian());
      for (int step = 0; step < STEPS; step++) {
        values[channel * STEPS + step] += (float) (noise * random.nextGaussian());
      }
    }
  }

  /**
   * Adds a sine.
   *
   * @param order its frequency, in multiples of the shaft's
   * @param phase at the first step, in turns
   */
  void tone(int channel, double amplitude, double order, double phase) {
    double angle = 2 * Math.PI * speed * order;
    // turned step by step: a sine costs more than all the rest, and differs between machines
    double turnCos = StrictMath.cos(angle);
    double turnSin = StrictMath.sin(angle);
    double cos = StrictMath.cos(2 * Math.PI * phase);
    double sin = StrictMath.sin(2 * Math.PI * phase);
    for (int step = 0; step < STEPS; step++) {
      values[channel * STEPS + step] += (float) (amplitude * sin);
      double turned = sin * turnCos + cos * turnSin;
      cos = cos * turnCos - sin * turnSin;
      sin = turned;
    }
  }

  /**
   * Adds impacts that ring and die away within some ten steps.
   *
   * @param perTurn how often they come in a turn of the shaft
   */
  void impacts(double amplitude, double perTurn, SeededRandom random) {
    double resonance = 2 * Math.PI * random.nextDouble(0.28, 0.38);
    double[] shares = {0.6, 1, 0.4};
    double period = 1 / (speed * perTurn);
    for (double at = -period * random.nextDouble();
        at < STEPS;
        at += period * (1 + 0.03 * random.nextGaussian())) {
      double hit = amplitude * random.nextDouble(0.5, 1.1);
      int first = (int) Math.ceil(at);
      for (int step = Math.max(0, first); step < Math.min(STEPS, first + 16); step++) {
        double since = step - at;
        double ringing = hit * StrictMath.exp(-since / 3.5) * StrictMath.sin(resonance * since);
        for (int channel = 0; channel < CHANNELS; channel++) {
          values[channel * STEPS + step] += (float) (shares[channel] * ringing);
        }
      }
    }
  }
}
