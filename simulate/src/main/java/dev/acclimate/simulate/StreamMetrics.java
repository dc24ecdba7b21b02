package dev.acclimate.simulate;

import java.util.ArrayList;
import java.util.List;

/**
 * What one method's answers to one stream are worth.
 *
 * @param samples answered
 * @param errors answered with another class than the label
 * @param domains the same domain by domain, in the order in which they first came
 */
public record StreamMetrics(long samples, long errors, List<DomainResult> domains) {

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
      return rate(errors, samples);
    }
  }

  public StreamMetrics {
    domains = List.copyOf(domains);
  }

  /** Measures a run. */
  public static StreamMetrics of(StreamLog log, AnswerLog answers) {
    long[] samples = new long[log.domains().size()];
    long[] errors = new long[samples.length];
    long allErrors = 0;
    for (int position = 0; position < log.size(); position++) {
      int error = answers.answer(position) == log.label(position) ? 0 : 1;
      samples[log.domain(position)]++;
      errors[log.domain(position)] += error;
      allErrors += error;
    }
    List<DomainResult> domains = new ArrayList<>();
    for (int d = 0; d < samples.length; d++) {
      domains.add(new DomainResult(log.domains().get(d), samples[d], errors[d]));
    }
    return new StreamMetrics(log.size(), allErrors, domains);
  }

  /** Fraction of wrong answers over the whole stream. */
  public double errorRate() {
    return rate(errors, samples);
  }

  private static double rate(long errors, long samples) {
    return samples == 0 ? 0 : (double) errors / samples;
  }
}
