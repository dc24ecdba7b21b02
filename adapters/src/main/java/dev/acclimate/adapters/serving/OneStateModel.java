package dev.acclimate.adapters.serving;

import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;

/** An {@link AdaptiveModel} that adapts to all streams alike. */
record OneStateModel(AdaptiveModel model, String name, String version) implements InferenceModel {
  @Override
  public List<TensorInfo> inputs() {
    return model.inputs();
  }

  @Override
  public List<TensorInfo> outputs() {
    return model.outputs();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> batch, List<String> streams) {
    return model.run(batch).outputs();
  }

  @Override
  public void close() {
    model.close();
  }
}
