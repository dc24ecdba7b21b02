package dev.acclimate.streams;

import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardEvent;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.FrozenAnswer;
import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.simulate.builtin.BuiltinModel;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A folding model whose guard goes by a batch's first value alone, so that what becomes of the
 * state is known whatever the guard has forgotten. Frozen answers tell {@value #FROZEN} where the
 * others tell the state.
 */
final class GuardedFoldingModel extends FoldingModel implements AutoCloseable {
  static final float FROZEN = -1;

  /** The state that is gone back to, with {@value #GOOD_STEP} steps behind it. */
  static final float GOOD = 1000;

  static final long GOOD_STEP = 1;

  private final float heldAt;
  private final float rolledBackAt;
  private final AdaptiveModel watched = open();
  private volatile boolean frozenLoaded;

  /**
   * A model whose state stays at one batch and goes back at another.
   *
   * @param heldAt the first value of the batch that is held
   * @param rolledBackAt the first value of the batch at which the state goes back
   */
  GuardedFoldingModel(float heldAt, float rolledBackAt, Consumer<float[]> beforeRun) {
    super(beforeRun);
    this.heldAt = heldAt;
    this.rolledBackAt = rolledBackAt;
  }

  private static AdaptiveModel open() {
    AdaptedModel adapted = AdaptedModel.adapt(BuiltinModel.load(), Method.parse("ema"));
    return AdaptiveModel.open(
        adapted, adapted.initialState(0, null), new SessionSettings(ExecutionProvider.CPU, 1));
  }

  @Override
  public GuardPolicy guard() {
    return GuardPolicy.DEFAULT;
  }

  @Override
  public StateGuard watch(State start) {
    return new StateGuard(watched, guard(), watched.state());
  }

  @Override
  public StateGuard.Ruling judge(
      StateGuard guard,
      Map<String, Tensor> inputs,
      Result adapted,
      FrozenAnswer frozen,
      State before,
      State after) {
    float first = Objects.requireNonNull(inputs.get("x")).floats().get(0);
    if (first == heldAt) {
      return ruling(StateGuard.Fate.HELD, GuardEvent.Kind.HELD);
    }
    if (first == rolledBackAt) {
      ((Fold) after).set(GOOD, GOOD_STEP);
      return ruling(StateGuard.Fate.ROLLED_BACK, GuardEvent.Kind.ROLLED_BACK);
    }
    return new StateGuard.Ruling(true, StateGuard.Fate.TAKEN, List.of());
  }

  private static StateGuard.Ruling ruling(StateGuard.Fate fate, GuardEvent.Kind kind) {
    GuardEvent event = new GuardEvent(0, kind, GuardEvent.Signal.EXPECTED_GAIN, -1, 0);
    return new StateGuard.Ruling(false, fate, List.of(event));
  }

  @Override
  public void loadFrozen() {
    frozenLoaded = true;
  }

  @Override
  public Map<String, Tensor> runFrozen(Map<String, Tensor> inputs) {
    if (!frozenLoaded) {
      throw new AssertionError("a batch waits for the frozen model to load");
    }
    Tensor x = Objects.requireNonNull(inputs.get("x"));
    int samples = (int) x.size(0);
    Tensor y = Tensor.allocate(ElementType.FP32, samples, 3);
    FloatBuffer answers = y.floats();
    for (int i = 0; i < samples; i++) {
      float value = x.floats().get(2 * i);
      if (value == POISON) {
        throw new IllegalStateException("poison in the batch");
      }
      answers.put(value).put(FROZEN).put(samples);
    }
    return Map.of("y", y);
  }

  @Override
  public void close() {
    watched.close();
  }
}
