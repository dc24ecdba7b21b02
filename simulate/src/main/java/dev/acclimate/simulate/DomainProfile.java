package dev.acclimate.simulate;

import java.util.List;

/**
 * What one domain of a stream looks like, and how far it lies from what the model knows.
 *
 * @param domain its name
 * @param samples a few, {@code [C, H, W]} each, as the stream shows them before preprocessing
 * @param shifts of its statistics from the source's at each site that was measured, see {@link
 *     dev.acclimate.adapters.ShiftMeter}
 */
public record DomainProfile(String domain, List<float[]> samples, List<Double> shifts) {

  public DomainProfile {
    samples = List.copyOf(samples);
    shifts = List.copyOf(shifts);
  }
}
