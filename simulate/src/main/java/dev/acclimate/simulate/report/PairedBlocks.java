package dev.acclimate.simulate.report;

import dev.acclimate.simulate.AnswerLog;
import dev.acclimate.simulate.Setting;
import dev.acclimate.simulate.StreamLog;
import dev.acclimate.simulate.Trial;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Compares two methods on the same samples. Samples that follow one another are alike, so blocks of
 * them are the units: the difference counts where it is more than two standard errors of the mean
 * over blocks.
 */
final class PairedBlocks {
  private static final int BLOCKS = 8;
  private static final int SMALLEST_BLOCK = 16;

  /** Below this there is no telling. */
  private static final int FEWEST = 4;

  private PairedBlocks() {}

  /** Whether a method errs no more than another as far as this stream can tell. */
  static boolean alike(Setting setting, int method, int best, int domain) {
    List<Double> differences = new ArrayList<>();
    for (Trial trial : setting.trials()) {
      StreamLog log = trial.log();
      IntPredicate counts = position -> domain < 0 || log.domain(position) == domain;
      int[] positions = IntStream.range(0, log.size()).filter(counts).toArray();
      AnswerLog one = trial.runs().get(method).answers();
      AnswerLog other = trial.runs().get(best).answers();
      int blocks = Math.max(1, Math.min(BLOCKS, positions.length / SMALLEST_BLOCK));
      for (int b = 0; b < blocks; b++) {
        int from = (int) ((long) positions.length * b / blocks);
        int to = (int) ((long) positions.length * (b + 1) / blocks);
        double sum = 0;
        for (int i = from; i < to; i++) {
          int label = log.label(positions[i]);
          sum += one.answer(positions[i]) == label ? 0 : 1;
          sum -= other.answer(positions[i]) == label ? 0 : 1;
        }
        if (to > from) {
          differences.add(sum / (to - from));
        }
      }
    }
    return alike(differences.stream().mapToDouble(Double::doubleValue).toArray());
  }

  static boolean alike(double... differences) {
    int n = differences.length;
    double mean = IntStream.range(0, n).mapToDouble(i -> differences[i]).average().orElse(0);
    if (n < FEWEST) {
      return mean <= 0;
    }
    double squares = 0;
    for (double difference : differences) {
      squares += (difference - mean) * (difference - mean);
    }
    return mean <= 2 * Math.sqrt(squares / (n - 1) / n);
  }
}
