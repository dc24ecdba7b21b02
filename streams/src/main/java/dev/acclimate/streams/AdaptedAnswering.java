package dev.acclimate.streams;

import dev.acclimate.models.Tensor;
import java.util.Map;

/** The adapted model answers all. */
final class AdaptedAnswering implements Answering {
  private final BatchModel model;

  AdaptedAnswering(BatchModel model) {
    this.model = model;
  }

  @Override
  public BatchAnswers answer(
      MicroBatch batch, Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    return answerAlone(inputs, from, into);
  }

  @Override
  public BatchAnswers answerAlone(
      Map<String, Tensor> inputs, BatchModel.State from, BatchModel.State into) {
    return BatchAnswers.adapted(model.run(inputs, from, into), from, into);
  }
}
