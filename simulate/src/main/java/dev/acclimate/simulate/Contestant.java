package dev.acclimate.simulate;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.models.Tensor;
import org.jspecify.annotations.Nullable;

/** One method at work on one stream. Batches must come in order; not safe for several threads. */
final class Contestant {
  private final String label;
  private final ServedModel model;
  private final @Nullable GuardWatcher watcher;
  private final @Nullable LateLabels lateLabels;
  private final AdaptationState start;
  private final AnswerLog answers;
  private final long rejectedBefore;
  private long nanos;

  /**
   * A method that is about to see a stream of {@code size} samples from {@code start} on.
   *
   * @param watcher listens to its guard; null where it has none
   * @param lateLabels what it learns from; null where it learns from no labels
   */
  Contestant(
      String label,
      ServedModel model,
      @Nullable GuardWatcher watcher,
      @Nullable LateLabels lateLabels,
      AdaptationState start,
      int size) {
    this.watcher = watcher;
    this.lateLabels = lateLabels;
    this.label = label;
    this.model = model;
    this.start = start;
    this.answers = new AnswerLog(size);
    this.rejectedBefore = model.rejectedSteps();
    reset();
  }

  /** Forgets what it has learned. */
  void reset() {
    model.restore(start);
    if (lateLabels != null) {
      lateLabels.reset();
    }
  }

  /** Answers a batch, and afterwards learns from labels where it does. */
  void answer(Classifier classifier, Tensor batch, Tensor tasks, int[] labels) {
    long begin = System.nanoTime();
    Tensor scores = classifier.scores(model, batch, tasks);
    answers.add(scores);
    if (lateLabels != null) {
      lateLabels.answered(batch, labels);
    }
    nanos += System.nanoTime() - begin;
  }

  /** It has seen the whole stream; the model stays open. */
  void finish() {
    if (lateLabels != null) {
      lateLabels.close();
    }
  }

  MethodRun result() {
    return new MethodRun(
        label,
        model.method(),
        nanos / 1e9,
        model.rejectedSteps() - rejectedBefore,
        start.tensors().values().stream().mapToLong(Contestant::bytes).sum(),
        answers,
        watcher == null ? null : watcher.take());
  }

  private static long bytes(Tensor tensor) {
    return tensor.elements() * tensor.type().bytes();
  }
}
