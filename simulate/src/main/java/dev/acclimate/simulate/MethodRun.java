package dev.acclimate.simulate;

import java.util.List;

/**
 * What one method made of a stream.
 *
 * @param method as the user wrote it
 * @param seconds spent in the model
 * @param rejectedSteps batches that were answered with the source statistics
 * @param domains in the order they were met
 */
public record MethodRun(
    String method, double seconds, long rejectedSteps, List<DomainResult> domains) {

  /**
   * One domain's part.
   *
   * @param domain its name
   * @param samples answered
   * @param errors answered with another class than the label
   */
  public record DomainResult(String domain, long samples, long errors) {

    /** Fraction of wrong answers. */
    public double errorRate() {
      return samples == 0 ? 0 : (double) errors / samples;
    }
  }

  public MethodRun {
    domains = List.copyOf(domains);
  }

  public long samples() {
    return domains.stream().mapToLong(DomainResult::samples).sum();
  }

  /** Fraction of wrong answers over the whole stream. */
  public double errorRate() {
    long samples = samples();
    return samples == 0
        ? 0
        : (double) domains.stream().mapToLong(DomainResult::errors).sum() / samples;
  }
}
