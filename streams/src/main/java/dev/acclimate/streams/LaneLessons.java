package dev.acclimate.streams;

import dev.acclimate.adapters.Lessons;
import dev.acclimate.adapters.learning.RecentLabels;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.Lesson.Joined;
import dev.acclimate.streams.MicroBatch.Item;
import dev.acclimate.streams.WaitingRequests.Answered;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Makes lessons of the labels that come for a lane's requests. Belongs to the reading thread.
 *
 * <p>Labels are taken strictly in the order of their log: one whose request is not answered yet
 * holds the others up, until the lane has read past the label's time and committed what came before
 * it, and {@value #PATIENCE_MILLIS} ms have gone by. So one offset tells which labels were learnt,
 * and it commits in the transaction of the step: no label is learnt twice, and none is lost whose
 * request still waits. One lesson is under way at a time; the next draws from what it left.
 */
final class LaneLessons {
  /** Labels that wait in memory; more stay in their log. */
  static final int MOST_QUEUED = 4096;

  /** For a request that is on its way through the broker while its label is here already. */
  private static final int PATIENCE_MILLIS = 1000;

  private final Lane lane;
  private final Lessons lessons;
  private final StreamMeters meters;
  private final WaitingRequests waiting;
  private final RecentLabels<byte[]> earlier;
  private final InputBatch samples;
  private final Tensor labels;
  private final int classes;
  private final Deque<Label> queue = new ArrayDeque<>();
  private final List<Joined> joined = new ArrayList<>();
  private final Map<TopicPartition, Long> committed = new HashMap<>();
  private final Map<TopicPartition, Long> taken = new HashMap<>();
  private @Nullable Lesson underWay;

  /** A label as its log has it, which came at {@code nanos}. */
  @SuppressWarnings("ArrayRecordComponent") // neither compared nor handed out
  record Label(
      TopicPartition partition,
      long offset,
      long timestamp,
      long nanos,
      WaitingRequests.Key request,
      long[] classes) {}

  /**
   * @param memoryBytes what samples may take that wait for labels or are learnt from again
   */
  LaneLessons(
      Lane lane,
      BatchModel model,
      Lessons lessons,
      StreamConfig config,
      long memoryBytes,
      StreamMeters meters) {
    this.lane = lane;
    this.lessons = lessons;
    this.meters = meters;
    this.classes = model.classes();
    int most = mostSamples(lessons, config);
    this.samples = new InputBatch(model.inputs(), most);
    this.labels = Tensor.allocate(ElementType.INT64, most);
    long remembered = memoryBytes / 2 / samples.bytesOfSample();
    int memory = (int) Math.max(1, Math.min(lessons.memory(), remembered));
    this.earlier = new RecentLabels<>(memory);
    this.waiting = new WaitingRequests(memoryBytes - (long) memory * samples.bytesOfSample());
  }

  /** Samples of the largest step. */
  static int mostSamples(Lessons lessons, StreamConfig config) {
    // the last request that makes a lesson full may hold more samples than were missing
    return lessons.labels() - 1 + config.batching().max() + lessons.replay();
  }

  /** Answered requests before a place in the log that can wait still, about. */
  int mostRequests() {
    return waiting.mostRequests(samples.bytesOfSample());
  }

  /** Labels before a place in their log that are learnt from again. */
  int mostRemembered() {
    return lessons.memory();
  }

  /** Starts anew: what was learnt and which requests wait is to be found in the logs. */
  void forget() {
    rewind();
    waiting.clear();
    earlier.clear();
    committed.clear();
    taken.clear();
  }

  /**
   * Tells where the labels' log goes on; labels before that which come all the same were learnt.
   *
   * @param offset the first label that was not learnt
   * @param from the first label that will come
   */
  void goesOnAt(TopicPartition partition, long offset, long from) {
    committed.put(partition, offset);
    taken.put(partition, from);
  }

  /** Where the labels' logs are to be read on after {@link #rewind}. */
  Map<TopicPartition, Long> positions() {
    return taken;
  }

  /** Takes in requests that were answered, in the order of their log. */
  void answered(MicroBatch batch) {
    for (Item item : batch.items()) {
      if (item instanceof Item.Accepted accepted && accepted.request().id() != null) {
        byte[][] values = new byte[accepted.request().samples()][];
        for (int i = 0; i < values.length; i++) {
          values[i] = batch.samples().sample(accepted.first() + i);
        }
        waiting.add(new Answered(key(accepted), values));
      }
    }
  }

  private static WaitingRequests.Key key(Item.Accepted accepted) {
    return new WaitingRequests.Key(
        FeedbackReader.stream(accepted.record().key()), String.valueOf(accepted.request().id()));
  }

  /** Takes in a label that was read. */
  void arrive(Label label) {
    queue.add(label);
  }

  boolean isFull() {
    return queue.size() >= MOST_QUEUED;
  }

  /**
   * The next lesson, null where not enough labels have come or one is under way.
   *
   * @param atEnd whether all that came has been read
   */
  @Nullable Lesson next(long nanos, boolean atEnd) {
    if (underWay != null) {
      return null;
    }
    int fresh = joined.stream().mapToInt(one -> one.classes().length).sum();
    while (fresh < lessons.labels()) {
      Label label = queue.peek();
      if (label == null) {
        return null;
      }
      Answered request = waiting.get(label.request());
      if (request == null && mayComeYet(label, nanos, atEnd)) {
        return null;
      }
      queue.remove();
      taken.put(label.partition(), label.offset() + 1);
      fresh += take(label, request);
    }
    return compose();
  }

  private boolean wasLearnt(Label label) {
    return label.offset() < committed.getOrDefault(label.partition(), 0L);
  }

  private boolean mayComeYet(Label label, long nanos, boolean atEnd) {
    return !wasLearnt(label)
        && (nanos - label.nanos() < TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS)
            || !lane.hasAnsweredBefore(label.timestamp(), atEnd));
  }

  /** Joins a label to its request; returns how many samples that adds to the next lesson. */
  private int take(Label label, @Nullable Answered request) {
    if (wasLearnt(label)) {
      if (request != null && fits(label, request)) {
        remember(new Joined(request, label.classes()));
      }
      return 0;
    }
    if (request == null) {
      meters.unlearnt(StreamMeters.UNKNOWN, label.classes().length);
      return 0;
    }
    if (request.isTaken()) {
      meters.unlearnt(StreamMeters.DUPLICATE, label.classes().length);
      return 0;
    }
    if (!fits(label, request)) {
      meters.unlearnt(StreamMeters.INVALID, label.classes().length);
      return 0;
    }
    request.take();
    joined.add(new Joined(request, label.classes()));
    return label.classes().length;
  }

  private boolean fits(Label label, Answered request) {
    for (long one : label.classes()) {
      if (one < 0 || one >= classes) {
        return false;
      }
    }
    return label.classes().length == request.samples().length;
  }

  private void remember(Joined one) {
    waiting.remove(one.request());
    for (int i = 0; i < one.classes().length; i++) {
      earlier.add(one.request().samples()[i], one.classes()[i]);
    }
  }

  private Lesson compose() {
    samples.clear();
    List<RecentLabels.Labelled<byte[]>> all = new ArrayList<>();
    for (Joined one : joined) {
      for (int i = 0; i < one.classes().length; i++) {
        all.add(new RecentLabels.Labelled<>(one.request().samples()[i], one.classes()[i]));
      }
    }
    // the labels' offsets number the draw, so that whoever learns this lesson draws the same
    long number = taken.values().stream().mapToLong(Long::longValue).sum();
    all.addAll(earlier.draw(lessons.replay(), number));
    for (int i = 0; i < all.size(); i++) {
      samples.add(all.get(i).sample());
      labels.longs().put(i, all.get(i).label());
    }
    Lesson lesson = new Lesson(samples, labels.first(all.size()), joined, taken);
    joined.clear();
    underWay = lesson;
    return lesson;
  }

  /** A step is committed, or was found not to be one that can be taken. */
  void committed(Lesson lesson) {
    committed.putAll(lesson.behind());
    lesson.joined().forEach(this::remember);
    lesson.labels().close();
    underWay = null;
  }

  /**
   * Where the labels' committed offsets go.
   *
   * @param committing the lesson that goes along, null for none
   */
  Map<TopicPartition, OffsetAndMetadata> offsetsBehind(@Nullable Lesson committing) {
    Map<TopicPartition, Long> behind = new HashMap<>(committed);
    if (committing != null) {
      behind.putAll(committing.behind());
    }
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    behind.forEach((partition, offset) -> offsets.put(partition, new OffsetAndMetadata(offset)));
    return offsets;
  }

  /** Lets go of what the garbage collector does not know of; no lesson is under way. */
  void close() {
    samples.close();
    labels.close();
  }

  /** Drops what is not committed; the labels will be read again. */
  void rewind() {
    queue.clear();
    joined.clear();
    waiting.releaseAll();
    underWay = null;
    committed.forEach((partition, offset) -> taken.merge(partition, offset, Math::min));
  }
}
