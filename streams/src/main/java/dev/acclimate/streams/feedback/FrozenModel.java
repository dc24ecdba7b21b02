package dev.acclimate.streams.feedback;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Map;

/** The model as it was before it began to adapt. */
public interface FrozenModel extends AutoCloseable {

  /**
   * Loads a model, its own weights and buffers beside those of the adapted one.
   *
   * @param source the model that the adapted one was made from
   * @throws InvalidInputException when ONNX Runtime refuses the model
   */
  static FrozenModel open(OnnxModel source, SessionSettings settings) {
    ModelSession session = ModelSession.open(source, settings);
    return new FrozenModel() {
      @Override
      public Map<String, Tensor> run(Map<String, Tensor> batch) {
        return session.run(batch);
      }

      @Override
      public void close() {
        session.close();
      }
    };
  }

  /** Answers a batch; the outputs are valid until the next run. */
  Map<String, Tensor> run(Map<String, Tensor> batch);

  @Override
  void close();
}
