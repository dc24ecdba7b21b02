package dev.acclimate.streams;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.BatchResult;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;

/** The processor's view of an {@link AdaptiveModel}. */
record AdaptiveBatchModel(AdaptiveModel model) implements BatchModel {

  private record State(AdaptationState state) implements Snapshot {}

  @Override
  public List<TensorInfo> inputs() {
    return model.inputs();
  }

  @Override
  public List<TensorInfo> outputs() {
    return model.outputs();
  }

  @Override
  public String method() {
    return model.method();
  }

  @Override
  public Result run(Map<String, Tensor> inputs) {
    BatchResult result = model.run(inputs);
    return new Result(result.outputs(), result.adapted(), result.step());
  }

  @Override
  public Snapshot snapshot() {
    return new State(model.state());
  }

  @Override
  public void restore(Snapshot snapshot) {
    if (!(snapshot instanceof State state)) {
      throw new IllegalArgumentException("not a snapshot of this model: " + snapshot);
    }
    model.restore(state.state());
  }
}
