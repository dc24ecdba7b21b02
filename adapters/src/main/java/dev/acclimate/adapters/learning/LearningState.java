package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.Safetensors;
import dev.acclimate.adapters.StateTensor;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a model has learnt from labels: parameters, the optimizer's slots, running statistics. Saved
 * as safetensors like all state. Not thread-safe.
 */
public final class LearningState implements AutoCloseable {
  private static final String DIGEST = "model_digest";
  private static final String METHOD = "method";
  private static final String STEP = "step";
  private static final String STEPS = "learning_step";

  private final String digest;
  private final String method;
  private final Map<String, Tensor> tensors;

  LearningState(String digest, String method, Map<String, Tensor> tensors) {
    this.digest = digest;
    this.method = method;
    this.tensors = new LinkedHashMap<>(tensors);
  }

  /** The tensors by name, without the {@code acclimate/} prefix. Not copies. */
  public Map<String, Tensor> tensors() {
    return Map.copyOf(tensors);
  }

  Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no tensor " + name);
    }
    return tensor;
  }

  /** Steps taken so far. */
  public long step() {
    return (long) tensor(STEPS).floats().get(0);
  }

  /** False when a value is NaN or infinite. */
  boolean isFinite() {
    return tensors.values().stream().allMatch(Tensor::isFinite);
  }

  /** A state with memory of its own and the same content. */
  public LearningState copy() {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> copies.put(name, tensor.copy()));
    return new LearningState(digest, method, copies);
  }

  /** Refuses a state of another model or method, or with other tensors. */
  void require(LearningGraph graph) {
    expect("state", "model", graph.source().digest(), digest);
    expect("state", "learning method", graph.settings().method().text(), method);
    for (StateTensor state : graph.states()) {
      Tensor found = tensors.get(state.name());
      String shape = found == null ? "none" : Arrays.toString(found.shape());
      expect("state", "tensor '" + state.name() + "'", state.shape().toString(), shape);
    }
  }

  private static void expect(String where, String what, String expected, String found) {
    if (!expected.equals(found)) {
      throw new InvalidInputException(
          where + ": " + what + ": expected " + expected + ", found " + found);
    }
  }

  /**
   * Writes the state to a safetensors file.
   *
   * @throws InvalidInputException when the file cannot be written
   */
  public void write(Path file) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(DIGEST, digest);
    metadata.put(METHOD, method);
    metadata.put(STEP, Long.toString(step()));
    new Safetensors(tensors, metadata).write(file);
  }

  /**
   * Reads a state for a graph.
   *
   * @throws InvalidInputException when the file is no state, or belongs to another model, method or
   *     shape; the message names both sides
   */
  public static LearningState read(Path file, LearningGraph graph) {
    Safetensors content = Safetensors.read(file);
    LearningState state =
        new LearningState(content.metadata(DIGEST), content.metadata(METHOD), content.tensors());
    try {
      state.require(graph);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(file + ": " + e.getMessage(), e);
    }
    if (!state.isFinite()) {
      throw new InvalidInputException(file + ": expected finite values, found others");
    }
    return state;
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
  }
}
