package dev.acclimate.streams;

import dev.acclimate.adapters.serving.FrozenAnswer;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.BatchAnswers.Fate;
import dev.acclimate.streams.MicroBatch.Item;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The frozen model stands beside the adapted one. The {@link Mode} says which of them answers, and
 * a guard, where there is one, takes adapted answers back and says what becomes of the state; else
 * what adapts does so to all batches, whoever answers them. Where the adapted model fails, the
 * frozen one answers and the state stays.
 */
final class FrozenBesideAnswering implements Answering {
  private static final Logger log = LoggerFactory.getLogger(FrozenBesideAnswering.class);

  private final BatchModel model;
  private final @Nullable StateWatches watches;
  private boolean failing;

  FrozenBesideAnswering(BatchModel model) {
    this.model = model;
    this.watches = model.guard().watches() ? new StateWatches(model) : null;
  }

  @Override
  public BatchAnswers answer(
      MicroBatch batch, Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    BatchModel.Result result = model.mode().adapts() ? run(batch, inputs, from, into) : null;
    if (result == null) {
      return answerAlone(inputs, from, into);
    }
    if (!result.adapted()) { // it has asked the frozen model by itself
      return frozen(result.outputs(), from, Fate.REJECTED, 0);
    }
    FrozenAnswer frozen = new FrozenAnswer(() -> model.runFrozen(inputs));
    StateWatches.Decided guarded =
        watches == null ? null : watches.judge(batch, inputs, result, frozen, from, into);
    StateGuard.Fate fate = guarded == null ? StateGuard.Fate.TAKEN : guarded.ruling().fate();
    Mode mode = guarded == null || guarded.ruling().mayGoOut() ? model.mode() : Mode.SHADOW;
    if (isFrozenWanted(mode, batch)) {
      var unused = frozen.get();
    }
    BatchModel.State next = fate == StateGuard.Fate.HELD ? from : into;
    return new BatchAnswers(
        result.outputs(),
        frozen.known(),
        mode,
        true,
        next,
        next.step(),
        fate == StateGuard.Fate.TAKEN ? Fate.TAKEN : Fate.NONE,
        frozen.nanos(),
        guarded);
  }

  private BatchModel.@Nullable Result run(
      MicroBatch batch, Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    try {
      BatchModel.Result result = model.run(inputs, from, into);
      failing = false;
      return result;
    } catch (RuntimeException e) {
      if (!failing) { // once in a row: where nothing stops the stream, neither would the log
        log.warn(
            "{}: the adapted model failed, the frozen one answers: {}",
            batch.lane().id(),
            e.toString());
      }
      log.debug("the adapted model's failure", e);
      failing = true;
      return null;
    }
  }

  private static boolean isFrozenWanted(Mode mode, MicroBatch batch) {
    return batch.items().stream()
        .filter(Item.Accepted.class::isInstance)
        .anyMatch(item -> !mode.answersAdapted(FeedbackReader.stream(item.record().key())));
  }

  /** There is no other answer than the frozen model's, and the state stays. */
  private static BatchAnswers frozen(
      Map<String, Tensor> outputs, BatchModel.State from, Fate fate, long nanos) {
    return new BatchAnswers(null, outputs, Mode.SHADOW, true, from, from.step(), fate, nanos, null);
  }

  @Override
  public BatchAnswers answerAlone(
      Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    FrozenAnswer frozen = new FrozenAnswer(() -> model.runFrozen(inputs));
    return frozen(frozen.get(), from, Fate.NONE, frozen.nanos());
  }

  @Override
  public void forget(Lane lane, String stream) {
    if (watches != null) {
      watches.forget(lane, stream);
    }
  }

  @Override
  public void forget(Lane lane) {
    if (watches != null) {
      watches.forget(lane);
    }
  }

  @Override
  public void close() {
    if (watches != null) {
      watches.close();
    }
  }
}
