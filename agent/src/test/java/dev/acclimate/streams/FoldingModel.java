package dev.acclimate.streams;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A model whose answers tell what went into them: for each sample its first value, the state before
 * the batch, and the size of the batch. The state is folded over the batches, so a lost, repeated
 * or reordered batch shows in all answers after it.
 */
public final class FoldingModel implements BatchModel {
  public static final TensorInfo INPUT =
      new TensorInfo(
          "x", ElementType.FP32, List.of(Dimension.symbolic("batch"), Dimension.fixed(2)));
  private static final TensorInfo OUTPUT =
      new TensorInfo(
          "y", ElementType.FP32, List.of(Dimension.symbolic("batch"), Dimension.fixed(3)));

  /** A sample that this model throws on whenever it meets it. */
  public static final float POISON = 666;

  private record State(float sum, long step) implements Snapshot {}

  private State state = new State(0, 0);
  private final Consumer<float[]> beforeRun;

  public FoldingModel() {
    this(first -> {});
  }

  /** A model that shows the first values of every batch to {@code beforeRun}, which may throw. */
  public FoldingModel(Consumer<float[]> beforeRun) {
    this.beforeRun = beforeRun;
  }

  /** The state after a batch of samples with these first values. */
  static float fold(float state, float... first) {
    float next = state / 2;
    for (float value : first) {
      next += value;
    }
    return next;
  }

  @Override
  public List<TensorInfo> inputs() {
    return List.of(INPUT);
  }

  @Override
  public List<TensorInfo> outputs() {
    return List.of(OUTPUT);
  }

  @Override
  public String method() {
    return "folding[half=0.5]";
  }

  @Override
  public Result run(Map<String, Tensor> inputs) {
    Tensor x = Objects.requireNonNull(inputs.get("x"));
    int samples = (int) x.size(0);
    FloatBuffer values = x.floats();
    float[] first = new float[samples];
    for (int i = 0; i < samples; i++) {
      first[i] = values.get(2 * i);
    }
    State before = state;
    // undefined until restored when a run throws
    state = new State(Float.NaN, -1);
    beforeRun.accept(first);
    Tensor y = Tensor.allocate(ElementType.FP32, samples, 3);
    FloatBuffer answers = y.floats();
    for (float value : first) {
      if (value == POISON) {
        throw new IllegalStateException("poison in the batch");
      }
      answers.put(value).put(before.sum).put(samples);
    }
    state = new State(fold(before.sum, first), before.step + 1);
    return new Result(Map.of("y", y), true, state.step);
  }

  @Override
  public Snapshot snapshot() {
    return state;
  }

  @Override
  public void restore(Snapshot snapshot) {
    state = (State) snapshot;
  }
}
