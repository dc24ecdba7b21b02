package dev.acclimate.simulate;

import dev.acclimate.simulate.StreamLog.Stretch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * How much lower a method's error rate is than the frozen model's on the very same samples, with an
 * interval.
 *
 * <p>Neighbouring samples are alike in a stream that is not i.i.d., and what a method has learned
 * lasts for a while, so that samples are no independent draws. Means over blocks of consecutive
 * samples nearly are: the method of batch means (Schmeiser 1982, "Batch size effects in the
 * analysis of simulation output", who finds 10 to 30 of them right). Blocks are compared within
 * their stretch only, over all seeds, since a deployment that meets these domains meets all of
 * them; degrees of freedom are Satterthwaite's (1946).
 *
 * <p>A stream shows every image once per domain, so that hard images tell of themselves again and
 * again. That part of the variance is added as in clustering by time and image at once (Cameron,
 * Gelbach and Miller 2011, "Robust inference with multiway clustering"): variance by blocks plus
 * variance by images less what both count, the latter two only where their difference is positive.
 */
final class PairedGain {

  /** Which samples count. */
  interface Part {
    boolean holds(StreamLog log, int position);
  }

  private static final int BLOCKS = 10;
  private static final int SMALLEST_BLOCK = 16;

  private final Setting setting;
  private final int method;
  private final Part part;

  /** Blocks of stretches that have one each. */
  private final Stratum rest = new Stratum();

  private double gain;
  private long samples;

  private PairedGain(Setting setting, int method, Part part) {
    this.setting = setting;
    this.method = method;
    this.part = part;
  }

  /**
   * The gain of one method.
   *
   * @param method an index into the setting's methods
   * @param confidence that the interval holds the true gain
   */
  static Estimate of(Setting setting, int method, Part part, double confidence) {
    return new PairedGain(setting, method, part).estimate(confidence);
  }

  /** 1 where only the method is right, -1 where only the frozen model is. */
  private int gain(Trial trial, int position) {
    int label = trial.log().label(position);
    int right = trial.runs().get(method).answers().answer(position) == label ? 1 : 0;
    return right - (trial.frozen().answers().answer(position) == label ? 1 : 0);
  }

  /** Sums over a block: of gains, and of samples. */
  private record Block(double gain, int samples) {}

  /** Blocks with a common mean. */
  private static final class Stratum {
    private final List<Block> blocks = new ArrayList<>();

    double mean() {
      double samples = blocks.stream().mapToDouble(Block::samples).sum();
      return samples == 0 ? 0 : blocks.stream().mapToDouble(Block::gain).sum() / samples;
    }

    /** Of the sum of its gains, about the stratum's mean. */
    double variance() {
      double mean = mean();
      double squares = 0;
      for (Block block : blocks) {
        double rest = block.gain - mean * block.samples;
        squares += rest * rest;
      }
      return freedom() < 1 ? 0 : squares * blocks.size() / freedom();
    }

    int freedom() {
      return blocks.size() - 1;
    }
  }

  private Estimate estimate(double confidence) {
    List<Stratum> strata = strata();
    if (samples == 0) {
      return Estimate.of(0, 0, 0, confidence);
    }
    double variance = 0;
    double squares = 0; // v^2 / freedom, Satterthwaite's
    double freedom = 0;
    for (Stratum stratum : new LinkedHashSet<>(strata)) {
      if (stratum.freedom() > 0) {
        double one = stratum.variance();
        variance += one;
        squares += one * one / stratum.freedom();
        freedom += stratum.freedom();
      }
    }
    double effective = squares > 0 ? variance * variance / squares : freedom;
    double error = Math.sqrt(variance + repeatedImages(strata)) / samples;
    return Estimate.of(gain / samples, error, effective, confidence).within(-1, 1);
  }

  /** One a stretch, over all trials; those with a single block make one together. */
  private List<Stratum> strata() {
    List<Stratum> strata = new ArrayList<>();
    for (Trial trial : setting.trials()) {
      List<Stretch> stretches = trial.log().stretches();
      for (int s = 0; s < stretches.size(); s++) {
        if (s == strata.size()) {
          strata.add(new Stratum());
        }
        addBlocks(strata.get(s), trial, stretches.get(s));
      }
    }
    for (int s = 0; s < strata.size(); s++) {
      if (strata.get(s).blocks.size() == 1) {
        rest.blocks.addAll(strata.get(s).blocks);
        strata.set(s, rest);
      }
    }
    return strata;
  }

  private void addBlocks(Stratum stratum, Trial trial, Stretch stretch) {
    int length = stretch.to() - stretch.from();
    int count = Math.max(1, Math.min(BLOCKS, length / SMALLEST_BLOCK));
    for (int b = 0; b < count; b++) {
      int from = stretch.from() + (int) ((long) length * b / count);
      int to = stretch.from() + (int) ((long) length * (b + 1) / count);
      int sum = 0;
      int size = 0;
      for (int i = from; i < to; i++) {
        if (part.holds(trial.log(), i)) {
          sum += gain(trial, i);
          size++;
        }
      }
      if (size > 0) {
        stratum.blocks.add(new Block(sum, size));
        gain += sum;
        samples += size;
      }
    }
  }

  /** What images that come again add to the variance of the sum of gains. */
  private double repeatedImages(List<Stratum> strata) {
    Map<Integer, Double> byImage = new HashMap<>();
    double alone = 0;
    for (Trial trial : setting.trials()) {
      StreamLog log = trial.log();
      for (int s = 0; s < log.stretches().size(); s++) {
        double mean = strata.get(s).mean();
        Stretch stretch = log.stretches().get(s);
        for (int i = stretch.from(); i < stretch.to(); i++) {
          if (part.holds(log, i)) {
            double difference = gain(trial, i) - mean;
            byImage.merge(log.sample(i), difference, Double::sum);
            alone += difference * difference;
          }
        }
      }
    }
    double together = byImage.values().stream().mapToDouble(sum -> sum * sum).sum();
    return Math.max(0, together - alone);
  }
}
