package dev.acclimate.streams;

import dev.acclimate.models.Dimension;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A model whose answers tell what went into them: for each sample its first value, the state before
 * the batch, and the size of the batch. The state is folded over the batches, so a lost, repeated
 * or reordered batch shows in all answers after it.
 */
public class FoldingModel implements BatchModel {
  public static final TensorInfo INPUT =
      new TensorInfo(
          "x", ElementType.FP32, List.of(Dimension.symbolic("batch"), Dimension.fixed(2)));
  private static final TensorInfo OUTPUT =
      new TensorInfo(
          "y", ElementType.FP32, List.of(Dimension.symbolic("batch"), Dimension.fixed(3)));

  /** A sample that this model throws on whenever it meets it. */
  public static final float POISON = 666;

  static final class Fold implements State {
    float sum;
    private long step;

    void copyStep(Fold from) {
      step = from.step;
    }

    void set(float to, long steps) {
      sum = to;
      step = steps;
    }

    @Override
    public long step() {
      return step;
    }

    @Override
    public long sizeInBytes() {
      return Float.BYTES;
    }

    @Override
    public byte[] toBytes() {
      return (sum + " " + step).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
      sum = Float.NaN;
    }
  }

  private final Fold initial = new Fold();
  private final String variant;
  private final Consumer<float[]> beforeRun;

  public FoldingModel() {
    this(first -> {});
  }

  /** A model that shows the first values of every batch to {@code beforeRun}, which may throw. */
  public FoldingModel(Consumer<float[]> beforeRun) {
    this("folding", beforeRun);
  }

  /** A model whose states are its variant's own. */
  FoldingModel(String variant, Consumer<float[]> beforeRun) {
    this.variant = variant;
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
  public String variant() {
    return variant;
  }

  @Override
  public State initialState() {
    return initial;
  }

  @Override
  public State newState() {
    return new Fold();
  }

  @Override
  public State parseState(String name, byte[] bytes) {
    String[] parts = new String(bytes, StandardCharsets.UTF_8).split(" ", -1);
    Fold fold = new Fold();
    fold.sum = Float.parseFloat(parts[0]);
    fold.step = Long.parseLong(parts[1]);
    return fold;
  }

  @Override
  public Result run(Map<String, Tensor> inputs, State from, State into) {
    Tensor x = Objects.requireNonNull(inputs.get("x"));
    int samples = (int) x.size(0);
    FloatBuffer values = x.floats();
    float[] first = new float[samples];
    for (int i = 0; i < samples; i++) {
      first[i] = values.get(2 * i);
    }
    float before = ((Fold) from).sum;
    Fold next = (Fold) into;
    // undefined when a run throws
    next.sum = Float.NaN;
    next.step = -1;
    beforeRun.accept(first);
    Tensor y = Tensor.allocate(ElementType.FP32, samples, 3);
    FloatBuffer answers = y.floats();
    for (float value : first) {
      if (value == POISON) {
        throw new IllegalStateException("poison in the batch");
      }
      answers.put(value).put(before).put(samples);
    }
    next.sum = fold(before, first);
    next.step = ((Fold) from).step + 1;
    return new Result(Map.of("y", y), true, next.step);
  }
}
