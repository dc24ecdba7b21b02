package dev.acclimate.models.blocks;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A model loaded for batches of any size and, on a CPU, once more in blocks for batches of the size
 * that has to be fast.
 */
public final class BatchSessions implements AutoCloseable {
  private final ModelSession oneSize;
  private final ModelSession anySize;

  private BatchSessions(ModelSession oneSize, ModelSession anySize) {
    this.oneSize = oneSize;
    this.anySize = anySize;
  }

  /**
   * Loads both.
   *
   * @param model takes any size
   * @param oneSize the same model for batches of the settings' size, asked for only where it helps
   * @param samples the axis of the samples as the inputs of the latter declare it
   * @param settings with the size that has to be fast, 0 for none
   * @throws dev.acclimate.models.InvalidInputException as {@link ModelSession#open(OnnxModel,
   *     SessionSettings)}
   */
  public static BatchSessions open(
      OnnxModel model, Supplier<OnnxModel> oneSize, Dimension samples, SessionSettings settings) {
    ModelSession fast =
        ModelSession.open(
            provider -> form(provider, model, oneSize, samples, settings.batchSize()), settings);
    // at once: a batch that is not full may be the last one, when nothing can be loaded any more
    ModelSession any = fast.model() == model ? fast : ModelSession.open(model, settings);
    return new BatchSessions(fast, any);
  }

  private static OnnxModel form(
      ExecutionProvider provider,
      OnnxModel model,
      Supplier<OnnxModel> oneSize,
      Dimension samples,
      int batchSize) {
    if (provider.kind() != ExecutionProvider.Kind.CPU || batchSize == 0) {
      return model;
    }
    return BlockedModel.compile(oneSize.get(), samples, batchSize).orElse(model);
  }

  /** What it runs on. */
  public ExecutionProvider provider() {
    return oneSize.provider();
  }

  /** The session for a batch: of the one size, or of any. */
  public ModelSession of(Map<String, Tensor> batch) {
    boolean fits =
        oneSize.inputs().stream()
            .allMatch(
                input -> {
                  Tensor feed = batch.get(input.name());
                  return feed == null || input.accepts(feed.shape());
                });
    return fits ? oneSize : anySize;
  }

  @Override
  public void close() {
    oneSize.close();
    if (anySize != oneSize) {
      anySize.close();
    }
  }
}
