package dev.acclimate.streams;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.BatchResult;
import dev.acclimate.adapters.Lessons;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.FrozenAnswer;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** The processor's view of an {@link AdaptiveModel}. */
final class AdaptiveBatchModel implements BatchModel {
  private static final int DIGEST_DIGITS = 12;

  private final AdaptiveModel model;
  private final Mode mode;
  private final GuardPolicy guard;
  private final Packed initial;

  AdaptiveBatchModel(AdaptiveModel model, Mode mode, GuardPolicy guard) {
    this.model = model;
    this.mode = mode;
    this.guard = mode.adapts() && StateGuard.isFor(model, guard) ? guard : GuardPolicy.NONE;
    this.initial = new Packed(model.state());
  }

  private record Packed(AdaptationState state) implements State {
    @Override
    public long step() {
      return state.step();
    }

    @Override
    public long sizeInBytes() {
      return state.sizeInBytes();
    }

    @Override
    public byte[] toBytes() {
      return state.toBytes();
    }

    @Override
    public void close() {
      state.close();
    }
  }

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
  public String variant() {
    // options are part of it: going back to a method finds the state that it left
    CRC32 method = new CRC32();
    method.update(model.method().getBytes(StandardCharsets.UTF_8));
    String name = model.method().replaceFirst("\\[.*", "");
    return model.digest().substring(0, DIGEST_DIGITS)
        + "-"
        + name
        + "-"
        + Long.toHexString(method.getValue());
  }

  @Override
  public @Nullable String taskInput() {
    return model.takesTasks() ? AdaptiveModel.TASK_INPUT : null;
  }

  @Override
  public State initialState() {
    return initial;
  }

  @Override
  public State newState() {
    return new Packed(model.newState());
  }

  @Override
  public State parseState(String name, byte[] bytes) {
    return new Packed(model.parseState(name, bytes));
  }

  @Override
  public Result run(Map<String, Tensor> inputs, State from, State into) {
    BatchResult result = model.run(inputs, packed(from), packed(into));
    return new Result(result.outputs(), result.adapted(), result.step());
  }

  @Override
  public Mode mode() {
    return mode;
  }

  @Override
  public GuardPolicy guard() {
    return guard;
  }

  @Override
  public StateGuard watch(State start) {
    StateGuard watching = new StateGuard(model, guard, initial.state());
    if (start != initial) {
      watching.startFrom(packed(start));
    }
    return watching;
  }

  @Override
  public StateGuard.Ruling judge(
      StateGuard by,
      Map<String, Tensor> inputs,
      Result adapted,
      FrozenAnswer frozen,
      State before,
      State after) {
    return by.judge(inputs, adapted.outputs(), frozen, packed(before), packed(after));
  }

  @Override
  public void loadFrozen() {
    model.loadFrozen();
  }

  @Override
  public Map<String, Tensor> runFrozen(Map<String, Tensor> inputs) {
    return model.runFrozen(inputs);
  }

  @Override
  public Optional<Lessons> lessons() {
    return mode.adapts() ? model.lessons() : Optional.empty();
  }

  @Override
  public int classes() {
    return model.classes();
  }

  @Override
  public boolean learn(Map<String, Tensor> inputs, Tensor labels, State from, State into) {
    return model.learn(inputs, labels, packed(from), packed(into));
  }

  private static AdaptationState packed(State state) {
    if (!(state instanceof Packed packed)) {
      throw new IllegalArgumentException("not a state of this model: " + state);
    }
    return packed.state();
  }
}
