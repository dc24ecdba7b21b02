package dev.acclimate.adapters;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an adaptive model has learnt: its packed state tensors and the number of steps behind them.
 * Belongs to one model and one method; saved as safetensors.
 */
public final class AdaptationState {
  private static final String DIGEST = "model_digest";
  private static final String METHOD = "method";
  private static final String OPTIONS = "options";
  private static final String STEP = "step";

  private final StateLayout layout;
  private final Map<String, Tensor> tensors;
  private final long step;

  AdaptationState(StateLayout layout, Map<String, Tensor> tensors, long step) {
    this.layout = layout;
    this.tensors = new LinkedHashMap<>(tensors);
    this.step = step;
  }

  /** The packed tensors by name, without the {@code acclimate/} prefix. Not copies. */
  public Map<String, Tensor> tensors() {
    return Map.copyOf(tensors);
  }

  Tensor tensor(StateKind kind) {
    Tensor tensor = tensors.get(kind.name());
    if (tensor == null) {
      throw new IllegalStateException("no tensor " + kind.name());
    }
    return tensor;
  }

  /** Batches folded in so far. */
  public long step() {
    return step;
  }

  StateLayout layout() {
    return layout;
  }

  /** Bytes that the tensors take. */
  public long sizeInBytes() {
    return tensors.values().stream().mapToLong(t -> t.elements() * t.type().bytes()).sum();
  }

  /**
   * Writes the state to a safetensors file.
   *
   * @throws InvalidInputException when the file cannot be written
   */
  public void write(Path file) {
    Map<String, String> metadata = new TreeMap<>();
    metadata.put(DIGEST, layout.sourceDigest());
    metadata.put(METHOD, layout.method().name());
    metadata.put(OPTIONS, new TreeMap<>(layout.method().options()).toString());
    metadata.put(STEP, Long.toString(step));
    new Safetensors(tensors, metadata).write(file);
  }

  /**
   * Reads a state for an adapted model.
   *
   * @throws InvalidInputException when the file is no state, or belongs to another model, method or
   *     shape; the message names both sides
   */
  public static AdaptationState read(Path file, AdaptedModel model) {
    Safetensors content = Safetensors.read(file);
    StateLayout layout = model.layout();
    OnnxModel source = model.source();
    expect(
        file,
        "is the state of another model: digest",
        shorten(layout.sourceDigest()) + " (" + source.name() + ")",
        shorten(content.metadata(DIGEST)));
    expect(file, "method", layout.method().name(), content.metadata(METHOD));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (StateKind kind : layout.kinds()) {
      Tensor tensor = content.tensors().get(kind.name());
      String expected = ElementType.FP32 + " " + Arrays.toString(layout.shape(kind));
      expect(file, "tensor '" + kind.name() + "'", expected, String.valueOf(tensor));
      if (tensor == null) {
        throw new IllegalStateException("checked above");
      }
      if (!tensor.isFinite()) {
        throw new InvalidInputException(
            file + ": tensor '" + kind.name() + "' holds values that are not finite");
      }
      tensors.put(kind.name(), tensor);
    }
    String step = content.metadata(STEP);
    if (!step.matches("\\d{1,18}")) {
      throw new InvalidInputException(
          file + ": metadata 'step': expected a number, found '" + step + "'");
    }
    return new AdaptationState(layout, tensors, Long.parseLong(step));
  }

  private static String shorten(String digest) {
    return digest.length() > 12 ? digest.substring(0, 12) : digest;
  }

  private static void expect(Path file, String what, String expected, String found) {
    if (!expected.equals(found) && !expected.startsWith(found + " (")) {
      throw new InvalidInputException(
          file + ": " + what + ": expected " + expected + ", found " + found);
    }
  }
}
