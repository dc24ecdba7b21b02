package dev.acclimate.simulate;

import dev.acclimate.simulate.StreamLog.Stretch;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one method's answers to one stream are worth.
 *
 * @param samples answered
 * @param errors answered with another class than the label
 * @param domains the same domain by domain, in the order in which they first came
 * @param window samples that {@code curve}, {@code worst} and {@code risk} look at together
 * @param curve error rates of the last {@code window} samples, at equal steps over the stream
 * @param worst the window with the most errors
 * @param risk the window in which errors exceed the frozen model's the most, as a difference of
 *     rates; below 0 where every window is better
 * @param calibrationError expected calibration error over 15 bins of confidence (Guo et al., ICML
 *     2017, "On Calibration of Modern Neural Networks")
 * @param entropy of the predictions, mean, in nats
 * @param disagreement fraction of answers that differ from the frozen model's
 * @param recovery samples after a change of domain without a reset until errors come within {@value
 *     #SETTLED} of their rate in the second half of the domain, mean over the changes; NaN where
 *     there is no such change
 * @param forgetting error rate of a domain that comes again less that of its first visit, mean over
 *     the returns; NaN where none comes again
 */
public record StreamMetrics(
    long samples,
    long errors,
    List<DomainResult> domains,
    int window,
    List<Double> curve,
    Window worst,
    Window risk,
    double calibrationError,
    double entropy,
    double disagreement,
    double recovery,
    double forgetting) {
  private static final int LARGEST_WINDOW = 256;
  private static final int CURVE_POINTS = 200;
  private static final int BINS = 15;
  private static final int RECOVERY_WINDOW = 64;

  /** How close to its later rate an error rate counts as settled. */
  private static final double SETTLED = 0.05;

  private static final Pattern RETURN = Pattern.compile("(.*) \\(\\d+\\)");

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

  /**
   * Consecutive samples.
   *
   * @param from the position of the first
   * @param rate of errors, or of errors beyond the frozen model's
   */
  public record Window(int from, double rate) {}

  public StreamMetrics {
    domains = List.copyOf(domains);
    curve = List.copyOf(curve);
  }

  /**
   * Measures a run.
   *
   * @param frozen the untouched model's answers to the same stream
   */
  public static StreamMetrics of(StreamLog log, AnswerLog answers, AnswerLog frozen) {
    int size = log.size();
    int[] errors = new int[size + 1]; // up to a position
    int[] excess = new int[size + 1];
    long[] samplesOf = new long[log.domains().size()];
    long[] errorsOf = new long[samplesOf.length];
    double entropy = 0;
    int differing = 0;
    for (int i = 0; i < size; i++) {
      int error = answers.answer(i) == log.label(i) ? 0 : 1;
      int frozenError = frozen.answer(i) == log.label(i) ? 0 : 1;
      errors[i + 1] = errors[i] + error;
      excess[i + 1] = excess[i] + error - frozenError;
      samplesOf[log.domain(i)]++;
      errorsOf[log.domain(i)] += error;
      entropy += answers.entropy(i);
      differing += answers.answer(i) == frozen.answer(i) ? 0 : 1;
    }
    List<DomainResult> domains = new ArrayList<>();
    for (int d = 0; d < samplesOf.length; d++) {
      domains.add(new DomainResult(log.domains().get(d), samplesOf[d], errorsOf[d]));
    }
    int window = Math.max(1, Math.min(LARGEST_WINDOW, size / 10));
    return new StreamMetrics(
        size,
        errors[size],
        domains,
        window,
        curve(errors, window),
        highest(errors, window),
        highest(excess, window),
        calibrationError(log, answers),
        size == 0 ? 0 : entropy / size,
        rate(differing, size),
        recovery(log, errors),
        forgetting(domains));
  }

  /** Fraction of wrong answers over the whole stream. */
  public double errorRate() {
    return rate(errors, samples);
  }

  private static double rate(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  private static List<Double> curve(int[] upTo, int window) {
    int size = upTo.length - 1;
    int step = Math.max(1, (size + CURVE_POINTS - 1) / CURVE_POINTS);
    List<Double> curve = new ArrayList<>();
    for (int end = step; end <= size; end += step) {
      int from = Math.max(0, end - window);
      curve.add(rate(upTo[end] - upTo[from], end - from));
    }
    return curve;
  }

  private static Window highest(int[] upTo, int window) {
    int best = 0;
    int from = 0;
    for (int start = 0; start + window < upTo.length; start++) {
      int count = upTo[start + window] - upTo[start];
      if (start == 0 || count > best) {
        best = count;
        from = start;
      }
    }
    return new Window(from, rate(best, window));
  }

  private static double calibrationError(StreamLog log, AnswerLog answers) {
    double[] gap = new double[BINS]; // sum of confidence less right answers
    for (int i = 0; i < log.size(); i++) {
      int bin = Math.min(BINS - 1, (int) (answers.confidence(i) * BINS));
      gap[bin] += answers.confidence(i) - (answers.answer(i) == log.label(i) ? 1 : 0);
    }
    double sum = 0;
    for (double one : gap) {
      sum += Math.abs(one);
    }
    return log.size() == 0 ? 0 : sum / log.size();
  }

  private static double recovery(StreamLog log, int[] errors) {
    double sum = 0;
    int changes = 0;
    for (int s = 1; s < log.stretches().size(); s++) {
      Stretch stretch = log.stretches().get(s);
      if (!stretch.resetBefore() && stretch.to() - stretch.from() >= 2) {
        sum += recovery(stretch, errors);
        changes++;
      }
    }
    return changes == 0 ? Double.NaN : sum / changes;
  }

  /** Samples until a window that begins with the stretch or later has settled. */
  private static int recovery(Stretch stretch, int[] errors) {
    int length = stretch.to() - stretch.from();
    int window = Math.min(RECOVERY_WINDOW, length / 2);
    int half = stretch.from() + length / 2;
    double settled = rate(errors[stretch.to()] - errors[half], stretch.to() - half);
    for (int end = stretch.from() + window; end <= stretch.to(); end++) {
      if (rate(errors[end] - errors[end - window], window) <= settled + SETTLED) {
        return end - window - stretch.from();
      }
    }
    return length;
  }

  private static double forgetting(List<DomainResult> domains) {
    double sum = 0;
    int returns = 0;
    for (DomainResult domain : domains) {
      Matcher again = RETURN.matcher(domain.domain());
      if (again.matches()) {
        for (DomainResult first : domains) {
          if (first.domain().equals(again.group(1))) {
            sum += domain.errorRate() - first.errorRate();
            returns++;
          }
        }
      }
    }
    return returns == 0 ? Double.NaN : sum / returns;
  }
}
