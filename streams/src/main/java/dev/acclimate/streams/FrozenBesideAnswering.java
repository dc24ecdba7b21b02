package dev.acclimate.streams;

import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.models.Tensor;
import dev.acclimate.streams.BatchAnswers.Step;
import dev.acclimate.streams.MicroBatch.Item;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The frozen model stands beside the adapted one, and the {@link Mode} says which of them answers.
 * What adapts does so to all batches, whoever answers them. Where the adapted model fails, the
 * frozen one answers and the state stays.
 */
final class FrozenBesideAnswering implements Answering {
  private static final Logger log = LoggerFactory.getLogger(FrozenBesideAnswering.class);

  private final BatchModel model;

  FrozenBesideAnswering(BatchModel model) {
    this.model = model;
  }

  @Override
  public BatchAnswers answer(
      MicroBatch batch, Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    BatchModel.Result result = model.mode().adapts() ? run(batch, inputs, from, into) : null;
    if (result == null) {
      return frozen(inputs, from, Step.NONE);
    }
    if (!result.adapted()) {
      return new BatchAnswers(
          null, result.outputs(), Mode.SHADOW, true, from, from.step(), Step.REJECTED, 0);
    }
    Map<String, Tensor> frozen = null;
    long start = System.nanoTime();
    if (isFrozenWanted(batch)) {
      frozen = model.runFrozen(inputs);
    }
    return new BatchAnswers(
        result.outputs(),
        frozen,
        model.mode(),
        true,
        into,
        into.step(),
        Step.TAKEN,
        frozen == null ? 0 : System.nanoTime() - start);
  }

  private BatchModel.@Nullable Result run(
      MicroBatch batch, Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    try {
      return model.run(inputs, from, into);
    } catch (RuntimeException e) {
      log.warn(
          "{}: the adapted model failed, the frozen one answers: {}",
          batch.lane().id(),
          e.toString());
      log.debug("the adapted model's failure", e);
      return null;
    }
  }

  private BatchAnswers frozen(Map<String, Tensor> inputs, BatchModel.State from, Step step) {
    long start = System.nanoTime();
    Map<String, Tensor> outputs = model.runFrozen(inputs);
    return new BatchAnswers(
        null, outputs, Mode.SHADOW, true, from, from.step(), step, System.nanoTime() - start);
  }

  private boolean isFrozenWanted(MicroBatch batch) {
    return batch.items().stream()
        .filter(Item.Accepted.class::isInstance)
        .anyMatch(item -> !model.mode().answersAdapted(FeedbackReader.stream(item.record().key())));
  }

  @Override
  public BatchAnswers answerAlone(
      Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    return frozen(inputs, from, Step.NONE);
  }
}
