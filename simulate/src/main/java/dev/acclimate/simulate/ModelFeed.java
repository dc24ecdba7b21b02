package dev.acclimate.simulate;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.data.Layout;
import java.util.Map;

/** Hands a stretch's samples to something that measures a model, batch by batch. */
final class ModelFeed {
  private static final int BATCH = 64;

  /** Takes a batch. */
  @FunctionalInterface
  interface Sink {
    /**
     * A batch.
     *
     * @param inputs for the model; valid during the call only
     * @param from position of its first sample in the segment
     * @param count of samples
     */
    void accept(Map<String, Tensor> inputs, int from, int count);
  }

  private ModelFeed() {}

  /**
   * Feeds a whole segment; where the model takes batches of one size only, without the rest that
   * does not fill one.
   *
   * @throws dev.acclimate.models.InvalidInputException when the model does not take these images
   */
  static void feed(OnnxModel model, Segment segment, Layout layout, Sink sink) {
    int batchSize =
        model.inputs().size() == 1 && model.inputs().get(0).dimensions().get(0).isFixed()
            ? (int) model.inputs().get(0).dimensions().get(0).size()
            : Math.min(BATCH, segment.size());
    Classifier classifier =
        Classifier.of(
            model.name(),
            model.inputs(),
            model.outputs(),
            segment.domains().get(0).images(),
            layout,
            batchSize);
    long[] shape = classifier.shape(batchSize);
    try (Tensor batch = Tensor.allocate(ElementType.FP32, shape)) {
      for (int from = 0; from < segment.size(); ) {
        int n = segment.fill(from, batchSize, batch.floats());
        if (n < batchSize && classifier.hasFixedBatch()) {
          break;
        }
        try (Tensor part = batch.first(n)) {
          sink.accept(Map.of(classifier.inputName(), part), from, n);
        }
        from += n;
      }
    }
  }
}
