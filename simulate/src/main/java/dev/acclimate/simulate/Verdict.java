package dev.acclimate.simulate;

import dev.acclimate.adapters.Method;
import dev.acclimate.simulate.StreamLog.Stretch;
import dev.acclimate.simulate.random.SeededRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Which method to use for a stream, if any.
 *
 * <p>A gain is a difference of error rates on the very same samples. Neighbouring samples are alike
 * in a stream that is not i.i.d., so that samples are no units to draw: the interval comes from a
 * bootstrap over blocks of consecutive samples (Künsch 1989, "The jackknife and the bootstrap for
 * general stationary observations"), drawn within each stretch, since a deployment that meets these
 * domains meets all of them. It is widened for the number of methods that are compared
 * (Bonferroni), since the best of many looks better than it is.
 *
 * @param candidates all methods but the frozen model, by the lower end of their gain, best first
 * @param chosen the method; {@code source} where none is sure to help
 * @param text the same in words
 * @param settings what to put into the agent's configuration, YAML
 */
public record Verdict(List<Candidate> candidates, String chosen, String text, String settings) {
  private static final String FROZEN = "source";
  private static final double CONFIDENCE = 0.95;
  private static final int RESAMPLES = 2000;

  /** Blocks that a stretch is cut into, where it is long enough. */
  private static final int BLOCKS = 8;

  private static final int SMALLEST_BLOCK = 16;

  /**
   * One method against the frozen model.
   *
   * @param method as the user wrote it
   * @param gain error rate of the frozen model less the method's, over the stream
   * @param low lower end of the interval of the gain
   * @param high upper end
   * @param risk the most errors beyond the frozen model's in any window, as a rate
   * @param window samples of that window
   * @param cleanCost error rate beyond the frozen model's where nothing is done to the images; NaN
   *     where there is no such domain
   */
  public record Candidate(
      String method,
      double gain,
      double low,
      double high,
      double risk,
      int window,
      double cleanCost) {}

  public Verdict {
    candidates = List.copyOf(candidates);
  }

  /** The verdict on the methods of one setting. */
  public static Verdict on(Setting setting) {
    List<String> methods = setting.methods();
    long compared = methods.stream().filter(method -> !method.equals(FROZEN)).count();
    List<Candidate> candidates = new ArrayList<>();
    for (int m = 0; m < methods.size(); m++) {
      if (!methods.get(m).equals(FROZEN)) {
        candidates.add(candidate(setting, m, compared));
      }
    }
    candidates.sort(Comparator.comparingDouble(Candidate::low).reversed());
    boolean adapt = !candidates.isEmpty() && candidates.get(0).low > 0;
    String chosen = adapt ? candidates.get(0).method : FROZEN;
    return new Verdict(candidates, chosen, text(candidates, adapt), settings(chosen));
  }

  private static Candidate candidate(Setting setting, int method, long compared) {
    List<List<double[]>> strata = new ArrayList<>(); // a stretch: its blocks, {gain, samples}
    double risk = Double.NEGATIVE_INFINITY;
    int window = 0;
    double cleanCost = 0;
    int clean = 0;
    double gain = 0;
    long samples = 0;
    for (int t = 0; t < setting.trials().size(); t++) {
      Trial trial = setting.trials().get(t);
      AnswerLog answers = trial.runs().get(method).answers();
      AnswerLog frozen = trial.frozen().answers();
      StreamLog log = trial.log();
      for (int s = 0; s < log.stretches().size(); s++) {
        if (s == strata.size()) {
          strata.add(new ArrayList<>());
        }
        strata.get(s).addAll(blocks(log, log.stretches().get(s), answers, frozen));
      }
      StreamMetrics metrics = setting.metrics().get(t).get(method);
      risk = Math.max(risk, metrics.risk().rate());
      window = metrics.window();
      for (int i = 0; i < log.size(); i++) {
        int better = gain(log, answers, frozen, i);
        gain += better;
        samples++;
        if (log.isClean(i)) {
          cleanCost -= better;
          clean++;
        }
      }
    }
    double tail = (1 - CONFIDENCE) / 2 / Math.max(compared, 1);
    double[] interval = bootstrap(strata, tail);
    return new Candidate(
        setting.methods().get(method),
        gain / Math.max(samples, 1),
        interval[0],
        interval[1],
        risk,
        window,
        clean == 0 ? Double.NaN : cleanCost / clean);
  }

  /** 1 where only the method is right, -1 where only the frozen model is. */
  private static int gain(StreamLog log, AnswerLog answers, AnswerLog frozen, int position) {
    int label = log.label(position);
    return (answers.answer(position) == label ? 1 : 0) - (frozen.answer(position) == label ? 1 : 0);
  }

  private static List<double[]> blocks(
      StreamLog log, Stretch stretch, AnswerLog answers, AnswerLog frozen) {
    int length = stretch.to() - stretch.from();
    int count = Math.max(1, Math.min(BLOCKS, length / SMALLEST_BLOCK));
    List<double[]> blocks = new ArrayList<>();
    for (int b = 0; b < count; b++) {
      int from = stretch.from() + (int) ((long) length * b / count);
      int to = stretch.from() + (int) ((long) length * (b + 1) / count);
      double gain = 0;
      for (int i = from; i < to; i++) {
        gain += gain(log, answers, frozen, i);
      }
      blocks.add(new double[] {gain, to - from});
    }
    return blocks;
  }

  private static double[] bootstrap(List<List<double[]>> strata, double tail) {
    SeededRandom random = SeededRandom.of("verdict".hashCode());
    double[] gains = new double[RESAMPLES];
    for (int r = 0; r < RESAMPLES; r++) {
      double gain = 0;
      double samples = 0;
      for (List<double[]> blocks : strata) {
        for (int b = 0; b < blocks.size(); b++) {
          double[] drawn = blocks.get(random.nextInt(blocks.size()));
          gain += drawn[0];
          samples += drawn[1];
        }
      }
      gains[r] = gain / Math.max(samples, 1);
    }
    Arrays.sort(gains);
    int low = (int) Math.floor(tail * (RESAMPLES - 1));
    return new double[] {gains[low], gains[RESAMPLES - 1 - low]};
  }

  private static String text(List<Candidate> candidates, boolean adapt) {
    if (candidates.isEmpty()) {
      return "No method was compared with the frozen model.";
    }
    Candidate best = candidates.get(0);
    StringBuilder text = new StringBuilder();
    if (adapt) {
      text.append(
          "Use %s: it gains %s points on this stream (%s to %s)."
              .formatted(best.method, points(best.gain), points(best.low), points(best.high)));
    } else {
      text.append(
          "Stay frozen: no method is sure to help on this stream; %s comes closest, %s points (%s to %s)."
              .formatted(best.method, points(best.gain), points(best.low), points(best.high)));
    }
    text.append(
        " Its risk: at worst %s points against frozen within %d samples"
            .formatted(points(-best.risk), best.window));
    if (!Double.isNaN(best.cleanCost)) {
      text.append(", %s on clean data".formatted(points(-best.cleanCost)));
    }
    return text.append('.').toString();
  }

  static String points(double rate) {
    return String.format(Locale.ROOT, "%+.1f", 100 * rate);
  }

  private static String settings(String method) {
    String line = "method: \"" + method + "\"\n";
    Method parsed = Method.parse(method);
    return parsed.needsCalibration()
        ? line
            + "calibration: calibration.safetensors"
            + "  # acclimate calibrate MODEL --data SOURCE --components "
            + parsed.calibrationComponents()
            + " --out calibration.safetensors\n"
        : line;
  }
}
