package dev.acclimate.simulate;

import dev.acclimate.simulate.StreamLog.Stretch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one method's answers to one stream are worth.
 *
 * <p>No window reaches over a reset of the state: what lies on its two sides are runs of their own.
 *
 * @param samples answered
 * @param errors answered with another class than the label
 * @param domains the same domain by domain, in the order in which they first came
 * @param window samples that {@code worst} and {@code risk} look at together
 * @param curveStep samples from one point of the curve to the next
 * @param curveWindow samples that a point of the curve looks at together, at most
 * @param curve error rates of the last {@code curveWindow} samples, every {@code curveStep} samples
 * @param worst the window with the most errors
 * @param risk the window in which errors exceed the frozen model's the most, as a difference of
 *     rates; below 0 where every window is better
 * @param calibrationError expected calibration error over 15 bins of confidence (Guo et al., ICML
 *     2017, "On Calibration of Modern Neural Networks")
 * @param entropy of the predictions, mean, in nats
 * @param disagreement fraction of answers that differ from the frozen model's
 * @param recoveries one a change of domain without a reset
 * @param forgetting error rate of a domain that comes again, without a reset in between, less that
 *     of its first visit, mean over the returns; NaN where none comes again
 */
public record StreamMetrics(
    long samples,
    long errors,
    List<DomainResult> domains,
    int window,
    int curveStep,
    int curveWindow,
    List<Double> curve,
    Window worst,
    Window risk,
    double calibrationError,
    double entropy,
    double disagreement,
    List<Recovery> recoveries,
    double forgetting) {
  private static final int LARGEST_WINDOW = 256;
  private static final int CURVE_POINTS = 200;
  private static final int SMALLEST_CURVE_WINDOW = 32;
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

  /**
   * How long errors stayed high after a change of domain: up to the first window of {@value
   * #RECOVERY_WINDOW} samples whose error rate comes within {@value #SETTLED} of the rate in the
   * second half of the stretch.
   *
   * @param stretch that began with the change
   * @param from its first position
   * @param samples before that window; all of the stretch where there is none
   */
  public record Recovery(String stretch, int from, int samples) {}

  /** Positions between two resets. */
  private record Section(int from, int to) {
    static List<Section> of(StreamLog log) {
      List<Section> sections = new ArrayList<>();
      int from = 0;
      for (Stretch stretch : log.stretches()) {
        if (stretch.resetBefore() && stretch.from() > from) {
          sections.add(new Section(from, stretch.from()));
          from = stretch.from();
        }
      }
      if (log.size() > from) {
        sections.add(new Section(from, log.size()));
      }
      return sections;
    }

    int size() {
      return to - from;
    }
  }

  public StreamMetrics {
    domains = List.copyOf(domains);
    curve = List.copyOf(curve);
    recoveries = List.copyOf(recoveries);
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
    List<Section> sections = Section.of(log);
    int window = window(size, sections);
    int step = Math.max(1, (size + CURVE_POINTS - 1) / CURVE_POINTS);
    int curveWindow = curveWindow(log, window);
    return new StreamMetrics(
        size,
        errors[size],
        domains,
        window,
        step,
        curveWindow,
        curve(errors, step, curveWindow, sections),
        highest(errors, window, sections),
        highest(excess, window, sections),
        calibrationError(log, answers),
        size == 0 ? 0 : entropy / size,
        rate(differing, size),
        recoveries(log, errors),
        forgetting(log, errors, sections));
  }

  /**
   * The window of that length in which errors exceed the frozen model's the most; the whole section
   * where one between two resets is shorter, the window then counting as the longer one.
   */
  static Window risk(StreamLog log, AnswerLog answers, AnswerLog frozen, int window) {
    int[] excess = new int[log.size() + 1];
    for (int i = 0; i < log.size(); i++) {
      excess[i + 1] =
          excess[i]
              + (answers.answer(i) == log.label(i) ? 0 : 1)
              - (frozen.answer(i) == log.label(i) ? 0 : 1);
    }
    List<Section> sections = Section.of(log);
    int shortest = sections.stream().mapToInt(Section::size).min().orElse(1);
    return highest(excess, Math.max(1, Math.min(window, shortest)), sections);
  }

  /** Fraction of wrong answers over the whole stream. */
  public double errorRate() {
    return rate(errors, samples);
  }

  /** Mean samples to recover; NaN where no domain changes without a reset. */
  public double recovery() {
    return recoveries.stream().mapToInt(Recovery::samples).average().orElse(Double.NaN);
  }

  private static double rate(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  /** Short enough that a stretch shows how it goes, long enough for a rate. */
  private static int curveWindow(StreamLog log, int window) {
    int stretch = log.size() / Math.max(1, log.stretches().size());
    return Math.min(window, Math.max(SMALLEST_CURVE_WINDOW, stretch / 4));
  }

  private static List<Double> curve(int[] upTo, int step, int window, List<Section> sections) {
    int size = upTo.length - 1;
    List<Double> curve = new ArrayList<>();
    int section = 0;
    for (int end = step; end <= size; end += step) {
      while (sections.get(section).to < end) {
        section++;
      }
      int from = Math.max(sections.get(section).from, end - window);
      curve.add(rate(upTo[end] - upTo[from], end - from));
    }
    return curve;
  }

  /** A tenth of the stream, at most {@value #LARGEST_WINDOW} samples and the shortest section. */
  private static int window(int size, List<Section> sections) {
    int shortest = sections.stream().mapToInt(Section::size).min().orElse(1);
    return Math.max(1, Math.min(Math.min(LARGEST_WINDOW, size / 10), shortest));
  }

  private static Window highest(int[] upTo, int window, List<Section> sections) {
    int best = Integer.MIN_VALUE;
    int from = 0;
    for (Section section : sections) {
      for (int start = section.from; start + window <= section.to; start++) {
        int count = upTo[start + window] - upTo[start];
        if (count > best) {
          best = count;
          from = start;
        }
      }
    }
    return new Window(from, sections.isEmpty() ? 0 : (double) best / window);
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

  private static List<Recovery> recoveries(StreamLog log, int[] errors) {
    List<Recovery> recoveries = new ArrayList<>();
    for (Stretch stretch : log.stretches()) {
      boolean changed =
          stretch.from() > 0
              && stretch.to() - stretch.from() >= 2
              && log.task(stretch.from()) != log.task(stretch.from() - 1);
      if (changed && !stretch.resetBefore()) {
        recoveries.add(new Recovery(stretch.name(), stretch.from(), recovery(stretch, errors)));
      }
    }
    return recoveries;
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

  /** A return is told by its name, {@code fog (2)}. */
  private static double forgetting(StreamLog log, int[] errors, List<Section> sections) {
    double sum = 0;
    int returns = 0;
    for (Section section : sections) {
      Map<String, Double> first = new HashMap<>();
      for (Stretch stretch : log.stretches()) {
        if (stretch.from() >= section.from && stretch.to() <= section.to && !stretch.isEmpty()) {
          double rate =
              rate(errors[stretch.to()] - errors[stretch.from()], stretch.to() - stretch.from());
          Matcher again = RETURN.matcher(stretch.name());
          Double before = first.get(again.matches() ? again.group(1) : "");
          if (before != null) {
            sum += rate - before;
            returns++;
          }
          first.putIfAbsent(stretch.name(), rate);
        }
      }
    }
    return returns == 0 ? Double.NaN : sum / returns;
  }
}
