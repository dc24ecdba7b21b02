package dev.acclimate.adapters.serving;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.RuntimeFailure;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;

/**
 * What a server asks of a model: what it takes and gives, and the answer to a batch.
 *
 * <p>One thread at a time runs batches; the other methods may be called by any thread.
 */
public interface InferenceModel extends AutoCloseable {
  /** The stream of samples whose sender named none. */
  String NO_STREAM = "";

  /** What clients call it. */
  String name();

  /** Its version, such as {@code 1}. */
  String version();

  /** What a batch must hold. */
  List<TensorInfo> inputs();

  /** What an answer holds. */
  List<TensorInfo> outputs();

  /**
   * Answers a batch.
   *
   * @param batch a tensor for every input, samples along axis 0, not written to
   * @param shares the requests that make it up, in order
   * @return a tensor for every output, valid until the next run
   * @throws InvalidInputException when an input is missing or its type or shape does not fit
   * @throws RuntimeFailure when ONNX Runtime fails
   */
  Map<String, Tensor> run(Map<String, Tensor> batch, List<BatchShare> shares);

  /**
   * Takes in a batch that another server has answered.
   *
   * @param batch as for {@link #run}
   * @param shares as for {@link #run}
   * @param answered what that server gave, those of the outputs that are known
   * @return the model's own answer, which goes out to nobody, valid until the next run
   * @throws InvalidInputException as {@link #run} does, and where the model takes in nothing
   */
  default Map<String, Tensor> runBeside(
      Map<String, Tensor> batch, List<BatchShare> shares, Map<String, Tensor> answered) {
    return run(batch, shares);
  }

  /** Whose answers go out. */
  default Mode mode() {
    return Mode.ACTIVE;
  }

  /** Lets go of the model; no run follows. */
  @Override
  void close();
}
