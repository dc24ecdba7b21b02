package dev.acclimate.simulate.corruptions;

import dev.acclimate.simulate.data.ChannelStatistics;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * One shift of a chain, for images of one shape. Where its severity is not whole it mixes the
 * images of the two whole ones around it, made with the same random numbers.
 */
final class ShiftStep {

  private final Shift shift;
  private final long[] path;

  /** At the whole severity below, which 0 leaves untouched, and at the one above. */
  private final Distortion below;

  private final Distortion above;

  /**
   * A step.
   *
   * @param device names the random numbers that all samples share; with the severity and a sample
   *     behind, those of that sample
   */
  private ShiftStep(
      Shift shift, ImageShape shape, Supplier<ChannelStatistics> channels, long... device) {
    this.shift = shift;
    this.path = longer(device, shift.pathSeverity());
    IntFunction<Distortion> at =
        severity ->
            Distortion.of(
                severity == 0 ? Corruption.NONE : shift.corruption(),
                Math.max(1, severity),
                shape,
                channels,
                SeededRandom.of(device));
    below = at.apply(shift.floor());
    above = shift.fraction() == 0 ? below : at.apply(shift.floor() + 1);
  }

  /** The steps of a chain that change something. */
  static List<ShiftStep> chain(
      List<Shift> shifts, ImageShape shape, Supplier<ChannelStatistics> channels, long seed) {
    List<ShiftStep> steps = new ArrayList<>();
    for (Shift shift : shifts) {
      if (!shift.untouched()) {
        long kind = shift.corruption().id().hashCode();
        // the same corruption once more draws other numbers
        long earlier =
            steps.stream().filter(s -> s.shift.corruption() == shift.corruption()).count();
        steps.add(
            earlier == 0
                ? new ShiftStep(shift, shape, channels, seed, kind)
                : new ShiftStep(shift, shape, channels, seed, kind, earlier));
      }
    }
    return List.copyOf(steps);
  }

  /** Changes image {@code sample} in place. */
  void apply(int sample, float[] chw) {
    if (shift.fraction() == 0) {
      below.apply(chw, random(sample));
    } else {
      mix(sample, chw);
    }
    if (pixels()) {
      Bytes.truncate(chw);
    }
  }

  private void mix(int sample, float[] chw) {
    float[] more = chw.clone();
    below.apply(chw, random(sample));
    above.apply(more, random(sample));
    if (pixels()) {
      Bytes.clip(chw);
      Bytes.clip(more);
    }
    float weight = (float) shift.fraction();
    for (int i = 0; i < chw.length; i++) {
      chw[i] += weight * (more[i] - chw[i]);
    }
  }

  private boolean pixels() {
    return shift.corruption().family() == Family.IMAGE;
  }

  private SeededRandom random(int sample) {
    return SeededRandom.of(longer(path, sample));
  }

  private static long[] longer(long[] path, long part) {
    long[] longer = Arrays.copyOf(path, path.length + 1);
    longer[path.length] = part;
    return longer;
  }
}
