package dev.acclimate.agent.demo;

import dev.acclimate.simulate.Segment;
import java.util.Arrays;
import java.util.List;

/**
 * Who answered what, and whether it was right. Answers and labels come in any order; a sample
 * counts for a method once both are there. Samples go by their number in the stream.
 *
 * <p>One thread writes and reads it; {@link #passed()} alone may be asked from any.
 */
public final class Scoreboard {
  private static final int UNKNOWN = -1;
  private static final int DEAD = -2;

  private final List<Segment> segments;
  private final int[] segmentOf;
  private final long[] labels;
  private final Row[] rows;
  private long strangers;
  private volatile long passed;

  /** What one method did. */
  private static final class Row {
    final int[] answers;
    final long[] right;
    final long[] scored;
    final long[] dead;
    long answered;
    long repeated;

    Row(int samples, int segments) {
      answers = new int[samples];
      Arrays.fill(answers, UNKNOWN);
      right = new long[segments];
      scored = new long[segments];
      dead = new long[segments];
    }
  }

  /** A board without a single answer. */
  public Scoreboard(int methods, List<Segment> segments) {
    this.segments = List.copyOf(segments);
    int samples = segments.stream().mapToInt(Segment::size).sum();
    this.segmentOf = new int[samples];
    this.labels = new long[samples];
    Arrays.fill(labels, UNKNOWN);
    int first = 0;
    for (int s = 0; s < segments.size(); s++) {
      int end = first + segments.get(s).size();
      Arrays.fill(segmentOf, first, end, s);
      first = end;
    }
    this.rows = new Row[methods];
    Arrays.setAll(rows, m -> new Row(samples, segments.size()));
  }

  /** The class that a sample should be given. */
  void label(int sample, long label) {
    if (isStranger(sample) || labels[sample] != UNKNOWN) {
      return;
    }
    labels[sample] = label;
    for (Row row : rows) {
      score(row, sample);
    }
  }

  /** A method's answer. */
  void answer(int method, int sample, int answer) {
    if (isStranger(sample)) {
      strangers++;
      return;
    }
    Row row = rows[method];
    if (row.answers[sample] != UNKNOWN) {
      row.repeated++;
      return;
    }
    row.answers[sample] = answer;
    row.answered++;
    score(row, sample);
  }

  /** A request that a method could not answer. */
  void dead(int method, int sample) {
    if (isStranger(sample)) {
      strangers++;
      return;
    }
    Row row = rows[method];
    if (row.answers[sample] != UNKNOWN) {
      row.repeated++;
      return;
    }
    row.answers[sample] = DEAD;
    row.dead[segmentOf[sample]]++;
  }

  /** Tells waiting writers how far the methods have come. */
  void publish() {
    long least = Long.MAX_VALUE;
    for (Row row : rows) {
      least = Math.min(least, row.answered + Arrays.stream(row.dead).sum());
    }
    passed = least;
  }

  private boolean isStranger(int sample) {
    return sample < 0 || sample >= labels.length;
  }

  private void score(Row row, int sample) {
    if (labels[sample] == UNKNOWN || row.answers[sample] < 0) {
      return;
    }
    int segment = segmentOf[sample];
    row.scored[segment]++;
    row.right[segment] += row.answers[sample] == labels[sample] ? 1 : 0;
  }

  /** The stretches of the stream. */
  List<Segment> segments() {
    return segments;
  }

  /** Number of methods. */
  int methods() {
    return rows.length;
  }

  /** Samples in the whole stream. */
  int size() {
    return labels.length;
  }

  /** How many samples every method is through with, as of the last {@link #publish()}. */
  long passed() {
    return passed;
  }

  /** Samples of a segment that a method is through with. */
  long done(int method, int segment) {
    return rows[method].scored[segment] + rows[method].dead[segment];
  }

  /** True when all methods are through with a segment. */
  boolean finished(int segment) {
    for (int m = 0; m < rows.length; m++) {
      if (done(m, segment) < segments.get(segment).size()) {
        return false;
      }
    }
    return true;
  }

  /** True when all methods are through with all of it. */
  boolean finished() {
    for (int s = 0; s < segments.size(); s++) {
      if (!finished(s)) {
        return false;
      }
    }
    return true;
  }

  /** A method's accuracy in a segment in percent, NaN before the first answer. */
  double accuracy(int method, int segment) {
    return 100.0 * rows[method].right[segment] / rows[method].scored[segment];
  }

  /** A method's accuracy in percent over the stream. */
  public double accuracy(int method) {
    Row row = rows[method];
    return 100.0 * Arrays.stream(row.right).sum() / Arrays.stream(row.scored).sum();
  }

  /** Requests that a method has answered. */
  public long answered(int method) {
    return rows[method].answered;
  }

  /** Requests that a method could not answer. */
  public long dead(int method) {
    return Arrays.stream(rows[method].dead).sum();
  }

  /** Answers of a method beyond the first to a request. */
  public long repeated(int method) {
    return rows[method].repeated;
  }

  /** Requests of which a method says nothing. */
  public long missing(int method) {
    return size() - answered(method) - dead(method);
  }

  /**
   * True when every request has exactly one answer of every method, and no answer is to another.
   */
  public boolean exactlyOnce() {
    boolean exact = strangers == 0;
    for (int m = 0; m < rows.length; m++) {
      exact &= answered(m) == size() && dead(m) == 0 && repeated(m) == 0;
    }
    return exact;
  }
}
