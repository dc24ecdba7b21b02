package dev.acclimate.streams;

import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Lessons;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.serving.FrozenAnswer;
import dev.acclimate.adapters.serving.Mode;
import dev.acclimate.adapters.serving.StateGuard;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the processor asks of a model: run a batch from a state into the next one. The processor
 * keeps the states, one for each stream, partition or model.
 *
 * <p>The fold must be deterministic: from equal states, equal batches give equal outputs and equal
 * next states. One thread runs batches; states are read and written as bytes by another meanwhile,
 * never the state that a run is writing.
 */
public interface BatchModel {

  /**
   * An adaptive model as a batch model; its present state is where every stream starts. The caller
   * still closes {@code model}, and leaves it alone meanwhile.
   */
  static BatchModel of(AdaptiveModel model) {
    return of(model, Mode.ACTIVE, GuardPolicy.NONE);
  }

  /** The same with a mode, and a guard over adapted answers. */
  static BatchModel of(AdaptiveModel model, Mode mode, GuardPolicy guard) {
    return new AdaptiveBatchModel(model, mode, guard);
  }

  /** The declared inputs; axis 0 is the batch, the others are fixed. */
  List<TensorInfo> inputs();

  /** The declared outputs; axis 0 is the batch. */
  List<TensorInfo> outputs();

  /** The method with its options, such as {@code unmix-tns[components=16]}. */
  String method();

  /** Tells models apart whose states do not fit one another; letters, digits, '-' and '.'. */
  String variant();

  /**
   * The int64 input {@code [B]} that takes the task of each sample, for a method that balances
   * tasks; null for others. Runs without it take all samples to be of one task.
   */
  default @Nullable String taskInput() {
    return null;
  }

  /** The state that every stream starts from; never written to. */
  State initialState();

  /** A state for runs to write into. */
  State newState();

  /**
   * Reads a state that {@link State#toBytes} wrote.
   *
   * @param name what errors call it
   * @throws InvalidInputException when it is none, or one of another model or method
   */
  State parseState(String name, byte[] bytes);

  /**
   * Runs one batch.
   *
   * @param from the state before the batch; left as it is
   * @param into receives the state after it, undefined unless the result is adapted
   * @throws RuntimeException when the batch cannot be run
   */
  Result run(Map<String, Tensor> inputs, State from, State into);

  /** Whose answers go out; what adapts does so to all batches. */
  default Mode mode() {
    return Mode.ACTIVE;
  }

  /** What guards over its states do and when; {@link #watch} is asked for them where it watches. */
  default GuardPolicy guard() {
    return GuardPolicy.NONE;
  }

  /**
   * A guard over a state, which has seen nothing yet.
   *
   * @param start the state to go back to where none has proved good; copied unless it is the {@link
   *     #initialState}
   * @throws InvalidInputException when the model gives no class scores
   */
  default StateGuard watch(State start) {
    throw new UnsupportedOperationException(method() + " has no guard");
  }

  /** Has a guard of this model decide about a batch; see {@link StateGuard#judge}. */
  default StateGuard.Ruling judge(
      StateGuard guard,
      Map<String, Tensor> inputs,
      Result adapted,
      FrozenAnswer frozen,
      State before,
      State after) {
    throw new UnsupportedOperationException(method() + " has no guard");
  }

  /** Gets ready for {@link #runFrozen}, so that no batch waits for that. */
  default void loadFrozen() {}

  /**
   * Answers a batch by the model as it was before it adapted; asked of models whose {@link #mode}
   * is another than active, or that have a {@link #guard}.
   *
   * @param inputs as for {@link #run}
   * @return the outputs by name, valid until the next such call or rejected step
   * @throws RuntimeException when the batch cannot be run
   */
  default Map<String, Tensor> runFrozen(Map<String, Tensor> inputs) {
    throw new UnsupportedOperationException(method() + " has no frozen model");
  }

  /** How labels that come later become steps; empty for a model that learns from none. */
  default Optional<Lessons> lessons() {
    return Optional.empty();
  }

  /** How many classes labels may name, for a model that learns from them. */
  default int classes() {
    return 0;
  }

  /**
   * Takes a step from samples with labels, of a model that has {@link #lessons}.
   *
   * @param labels int64 {@code [B]}, from 0 to {@link #classes} - 1
   * @param from the state before; left as it is
   * @param into receives the state after it, undefined unless the step was taken
   * @return false where the step was refused: the state stays as it was
   * @throws RuntimeException when the samples cannot be run
   */
  default boolean learn(Map<String, Tensor> inputs, Tensor labels, State from, State into) {
    throw new UnsupportedOperationException(method() + " learns from no labels");
  }

  /** What a model has learnt from a stream; only the model that gave it can read it. */
  interface State {
    /** Batches folded in so far. */
    long step();

    /** What it takes in memory. */
    long sizeInBytes();

    /** The state as a safetensors file holds it. */
    byte[] toBytes();

    /** Lets go of what the garbage collector does not know of. */
    void close();
  }

  /**
   * What a run gave.
   *
   * @param outputs by name, valid until the next run
   * @param adapted false when the model answered but rejected the step: the state stays as it was
   * @param step how many steps the state has behind it
   */
  record Result(Map<String, Tensor> outputs, boolean adapted, long step) {}
}
