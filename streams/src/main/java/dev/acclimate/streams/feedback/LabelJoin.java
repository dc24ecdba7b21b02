package dev.acclimate.streams.feedback;

import dev.acclimate.streams.feedback.JoinWindow.RequestKey;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Joins labels that come sooner or later to the answers that they belong to, by stream and request
 * id, and counts what comes of it in {@link FeedbackMeters}.
 *
 * <p>Answers and labels wait for each other in a window of {@link FeedbackConfig#window} and, on
 * either side, {@link FeedbackConfig#capacity} samples. An answer that leaves it without a label is
 * counted as unlabelled, a label that leaves it without an answer as late. An answer stays after it
 * was joined, so that a second label for it is known as a duplicate: the first one counts. A
 * request id that is answered again within the window starts anew, so ids should not repeat within
 * one.
 *
 * <p>Thread-safe. Every event is O(1). Memory: some 250 bytes for a request of one sample that
 * waits, its names included; nothing is kept across restarts.
 */
public final class LabelJoin {
  /** The longest stream name and request id together that are joined, which bounds the memory. */
  public static final int MAX_KEY_CHARS = 512;

  private static final int[] NONE = {};

  private final int classes;
  private final FeedbackMeters meters;
  private final LongSupplier clock;
  private final JoinWindow<Answer> answers;
  private final JoinWindow<Labels> labels;

  /** The classes that a request was given. */
  private static final class Answer implements JoinWindow.Entry {
    private final long nanos;
    private final int samples;
    private int[] adapted;
    private int @Nullable [] frozen;
    private @Nullable AnswerComparison comparison;
    private boolean joined;

    Answer(
        long nanos, int[] adapted, int @Nullable [] frozen, @Nullable AnswerComparison comparison) {
      this.nanos = nanos;
      this.samples = adapted.length;
      this.adapted = adapted;
      this.frozen = frozen;
      this.comparison = comparison;
    }

    @Override
    public long nanos() {
      return nanos;
    }

    @Override
    public int samples() {
      return samples;
    }

    void setJoined() {
      joined = true;
      adapted = NONE;
      frozen = null;
      comparison = null;
    }
  }

  /** The classes that a request should have been given. */
  @SuppressWarnings("ArrayRecordComponent") // neither compared nor handed out
  private record Labels(long nanos, int[] classes) implements JoinWindow.Entry {
    @Override
    public int samples() {
      return classes.length;
    }
  }

  /**
   * A join in which nothing waits yet.
   *
   * @param classes how many classes the model tells apart: labels are less than that; {@link
   *     Integer#MAX_VALUE} where that is not known
   * @param clock nanoseconds from an arbitrary start, {@link System#nanoTime} outside tests
   */
  public LabelJoin(FeedbackConfig config, int classes, FeedbackMeters meters, LongSupplier clock) {
    this.classes = classes;
    this.meters = meters;
    this.clock = clock;
    long window = config.window().toNanos();
    answers = new JoinWindow<>(window, config.capacity(), this::unlabelled);
    labels = new JoinWindow<>(window, config.capacity(), late -> meters.late(late.samples()));
  }

  private void unlabelled(Answer answer) {
    if (!answer.joined) {
      meters.unlabelled(answer.samples());
    }
  }

  /**
   * Takes in a request that was answered. Keeps the arrays.
   *
   * @param stream the request's key
   * @param requestId its id; a request without one cannot be joined and is counted
   * @param adapted the class that each of its samples was given
   * @param frozen the classes that the frozen model would have given; null when it was not asked
   * @param comparison is told what labels say of the two; null where nobody wants to know
   */
  public synchronized void answered(
      String stream,
      @Nullable String requestId,
      int[] adapted,
      int @Nullable [] frozen,
      @Nullable AnswerComparison comparison) {
    if (frozen != null && frozen.length != adapted.length) {
      throw new IllegalArgumentException(
          adapted.length + " adapted answers, " + frozen.length + " frozen ones");
    }
    if (requestId == null || tooLong(stream, requestId)) {
      meters.unjoinable(adapted.length);
      return;
    }
    long now = clock.getAsLong();
    expire(now);
    RequestKey key = new RequestKey(stream, requestId);
    Answer earlier = answers.remove(key);
    if (earlier != null) {
      unlabelled(earlier);
    }
    Answer answer = new Answer(now, adapted, frozen, comparison);
    Labels waiting = labels.remove(key);
    if (waiting != null) {
      join(answer, waiting.classes());
    }
    answers.add(key, answer);
  }

  /** The same where nobody but the meters is told. */
  public void answered(
      String stream, @Nullable String requestId, int[] adapted, int @Nullable [] frozen) {
    answered(stream, requestId, adapted, frozen, null);
  }

  /**
   * Takes in the labels of a request.
   *
   * @param stream the request's key
   * @param id the request's id
   * @param labels the right class of each of its samples
   */
  public synchronized void labelled(String stream, String id, long[] labels) {
    if (tooLong(stream, id) || !valid(labels)) {
      meters.invalid(labels.length);
      return;
    }
    long now = clock.getAsLong();
    expire(now);
    RequestKey key = new RequestKey(stream, id);
    Answer answer = answers.get(key);
    if (answer == null ? this.labels.get(key) != null : answer.joined) {
      meters.duplicate(labels.length);
      return;
    }
    int[] right = new int[labels.length];
    for (int i = 0; i < right.length; i++) {
      right[i] = (int) labels[i];
    }
    if (answer == null) {
      this.labels.add(key, new Labels(now, right));
    } else {
      join(answer, right);
    }
  }

  private static boolean tooLong(String stream, String id) {
    return (long) stream.length() + id.length() > MAX_KEY_CHARS;
  }

  private boolean valid(long[] labels) {
    for (long label : labels) {
      if (label < 0 || label >= classes) {
        return false;
      }
    }
    return labels.length > 0;
  }

  private void join(Answer answer, int[] right) {
    if (right.length != answer.samples()) {
      meters.invalid(right.length);
      return; // the answer waits on: the right number of labels may come yet
    }
    int[] frozen = answer.frozen;
    for (int i = 0; i < right.length; i++) {
      boolean correct = answer.adapted[i] == right[i];
      if (frozen == null) {
        meters.joined(correct);
      } else {
        meters.joined(correct, frozen[i] == right[i]);
        if (answer.comparison != null) {
          answer.comparison.compared(correct, frozen[i] == right[i]);
        }
      }
    }
    answer.setJoined();
  }

  /** Counts what has waited for too long; for when nothing else happens. */
  public synchronized void expire() {
    expire(clock.getAsLong());
  }

  private void expire(long now) {
    answers.expire(now);
    labels.expire(now);
  }
}
