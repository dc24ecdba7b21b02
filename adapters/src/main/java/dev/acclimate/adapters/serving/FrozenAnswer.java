package dev.acclimate.adapters.serving;

import dev.acclimate.models.Tensor;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The frozen model's answer to a batch, asked for once at most. Not thread-safe. */
public final class FrozenAnswer {
  private final Supplier<Map<String, Tensor>> model;
  private @Nullable Map<String, Tensor> outputs;
  private long nanos;

  /**
   * An answer that nobody has asked for yet.
   *
   * @param model runs the frozen model on the batch
   */
  public FrozenAnswer(Supplier<Map<String, Tensor>> model) {
    this.model = model;
  }

  /** Takes an answer that came from elsewhere, so that the model need not run. */
  void set(Map<String, Tensor> known) {
    outputs = known;
  }

  /** The outputs by name, null where nobody has asked for them. */
  public @Nullable Map<String, Tensor> known() {
    return outputs;
  }

  /** The outputs by name. */
  public Map<String, Tensor> get() {
    Map<String, Tensor> known = outputs;
    if (known == null) {
      long begin = System.nanoTime();
      known = model.get();
      nanos = System.nanoTime() - begin;
      outputs = known;
    }
    return known;
  }

  /** How long the model ran, 0 where it did not. */
  public long nanos() {
    return nanos;
  }
}
