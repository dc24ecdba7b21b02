package dev.acclimate.simulate.data;

import dev.acclimate.simulate.random.SeededRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What a rotating machine suffers from, by the marks that vibration diagnosis knows each fault by:
 * which multiples of the shaft's frequency stand out, in which direction, and whether they come as
 * tones, as impacts or modulated.
 */
enum MachineState {
  /** Little of everything. */
  NORMAL {
    @Override
    void add(Vibration vibration, double strength, SeededRandom random) {
      // what all machines do is there already
    }
  },
  /** The shaft's own frequency, a quarter turn apart in the two radial directions. */
  IMBALANCE {
    @Override
    void add(Vibration vibration, double strength, SeededRandom random) {
      double phase = random.nextDouble();
      vibration.tone(Vibration.HORIZONTAL, 1.2 * strength, 1, phase);
      vibration.tone(Vibration.VERTICAL, 0.9 * strength, 1, phase + 0.25);
      vibration.tone(Vibration.AXIAL, 0.2 * strength, 1, random.nextDouble());
    }
  },
  /** Twice the shaft's frequency and more, along the shaft above all. */
  MISALIGNMENT {
    @Override
    void add(Vibration vibration, double strength, SeededRandom random) {
      vibration.tone(Vibration.AXIAL, 0.6 * strength, 1, random.nextDouble());
      vibration.tone(Vibration.AXIAL, 0.7 * strength, 2, random.nextDouble());
      vibration.tone(Vibration.HORIZONTAL, 0.5 * strength, 2, random.nextDouble());
      vibration.tone(Vibration.HORIZONTAL, 0.2 * strength, 3, random.nextDouble());
    }
  },
  /** Halves and multiples of the shaft's frequency, vertical: the foot lifts and drops. */
  LOOSENESS {
    @Override
    void add(Vibration vibration, double strength, SeededRandom random) {
      for (int half = 1; half <= 8; half++) {
        double amplitude = 0.75 * strength / StrictMath.sqrt(half);
        vibration.tone(Vibration.VERTICAL, amplitude, half / 2.0, random.nextDouble());
        vibration.tone(Vibration.HORIZONTAL, amplitude / 3, half / 2.0, random.nextDouble());
      }
    }
  },
  /** Impacts as balls pass a pit in the outer ring, each ringing at the housing's resonance. */
  BEARING {
    @Override
    void add(Vibration vibration, double strength, SeededRandom random) {
      vibration.impacts(1.7 * strength, random.nextDouble(3.0, 4.2), random);
    }
  },
  /** The teeth's mesh, louder once a turn. */
  GEAR {
    @Override
    void add(Vibration vibration, double strength, SeededRandom random) {
      double teeth = 5 + random.nextInt(2);
      double turn = random.nextDouble();
      double tooth = random.nextDouble();
      double depth = random.nextDouble(0.5, 1);
      for (int channel : new int[] {Vibration.HORIZONTAL, Vibration.AXIAL}) {
        double amplitude = (channel == Vibration.AXIAL ? 0.7 : 0.5) * strength;
        vibration.tone(channel, amplitude, teeth, tooth);
        vibration.tone(channel, amplitude * depth / 2, teeth - 1, tooth - turn);
        vibration.tone(channel, amplitude * depth / 2, teeth + 1, tooth + turn);
      }
    }
  };

  /** In label order. */
  static final List<MachineState> ALL = List.of(values());

  static List<String> names() {
    return Arrays.stream(values()).map(state -> state.name().toLowerCase(Locale.ROOT)).toList();
  }

  /**
   * Adds the fault's marks to a window.
   *
   * @param strength of the fault, about 1
   */
  abstract void add(Vibration vibration, double strength, SeededRandom random);
}
