package dev.acclimate.adapters;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What an adaptive model has learnt: its packed state tensors and the number of steps behind them.
 * Belongs to one model and one method; saved as safetensors.
 *
 * <p>The tensors lie in direct buffers which ONNX Runtime reads and writes in place. Closing lets
 * go of its handles on them; not thread-safe.
 */
public final class AdaptationState implements AutoCloseable {
  private static final String DIGEST = "model_digest";
  private static final String METHOD = "method";
  private static final String OPTIONS = "options";
  private static final String STEP = "step";

  private final StateLayout layout;
  private final Map<String, Tensor> tensors;
  private long step;

  AdaptationState(StateLayout layout, Map<String, Tensor> tensors, long step) {
    this.layout = layout;
    this.tensors = new LinkedHashMap<>(tensors);
    this.step = step;
  }

  /** Zeros of the layout's shapes, to be written over. */
  static AdaptationState allocate(StateLayout layout) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (StateTensor tensor : layout.tensors()) {
      tensors.put(tensor.name(), Tensor.allocate(ElementType.FP32, tensor.sizes()));
    }
    return new AdaptationState(layout, tensors, 0);
  }

  /** The packed tensors by name, without the {@code acclimate/} prefix. Not copies. */
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

  /** Batches folded in so far. */
  public long step() {
    return step;
  }

  StateLayout layout() {
    return layout;
  }

  /** The tensors were written over by that step. */
  void stepped(long step) {
    this.step = step;
  }

  /** A state with memory of its own and the same content. */
  public AdaptationState copy() {
    AdaptationState copy = allocate(layout);
    copy.set(this);
    return copy;
  }

  /**
   * Overwrites this state with another of the same model and method.
   *
   * @throws InvalidInputException when the other belongs to another model or method
   */
  public void set(AdaptationState source) {
    source.requireLayout(layout);
    tensors.forEach((name, tensor) -> tensor.set(source.tensor(name)));
    step = source.step;
  }

  /** Refuses a state that belongs to another model or method than {@code ours}. */
  void requireLayout(StateLayout ours) {
    if (!layout.fits(ours)) {
      throw new InvalidInputException(
          "state of "
              + layout.method().canonical()
              + " for model "
              + layout.sourceDigest()
              + " does not fit "
              + ours.method().canonical()
              + " for model "
              + ours.sourceDigest());
    }
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
    safetensors().write(file);
  }

  /** What {@link #write} would put into a file. */
  public byte[] toBytes() {
    return safetensors().toBytes();
  }

  private Safetensors safetensors() {
    Map<String, String> metadata = new TreeMap<>();
    metadata.put(DIGEST, layout.sourceDigest());
    metadata.put(METHOD, layout.method().name());
    metadata.put(OPTIONS, new TreeMap<>(layout.method().options()).toString());
    metadata.put(STEP, Long.toString(step));
    return new Safetensors(tensors, metadata);
  }

  /**
   * Reads a state for an adapted model.
   *
   * @throws InvalidInputException when the file is no state, or belongs to another model, method or
   *     shape; the message names both sides
   */
  public static AdaptationState read(Path file, AdaptedModel model) {
    return checked(file.toString(), Safetensors.read(file), model.source().name(), model.layout());
  }

  /**
   * Reads a state from the content of a file.
   *
   * @param name what errors call it
   * @throws InvalidInputException as {@link #read} does
   */
  static AdaptationState parse(String name, byte[] content, String model, StateLayout layout) {
    return checked(name, Safetensors.parse(name, ByteBuffer.wrap(content)), model, layout);
  }

  private static AdaptationState checked(
      String file, Safetensors content, String model, StateLayout layout) {
    expect(
        file,
        "is the state of another model: digest",
        shorten(layout.sourceDigest()) + " (" + model + ")",
        shorten(content.metadata(DIGEST)));
    expect(file, "method", layout.method().name(), content.metadata(METHOD));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (StateTensor wanted : layout.tensors()) {
      Tensor tensor = content.tensors().get(wanted.name());
      String expected = ElementType.FP32 + " " + wanted.shape();
      expect(file, "tensor '" + wanted.name() + "'", expected, String.valueOf(tensor));
      if (tensor == null) {
        throw new IllegalStateException("checked above");
      }
      if (!tensor.isFinite()) {
        throw new InvalidInputException(
            file + ": tensor '" + wanted.name() + "' holds values that are not finite");
      }
      tensors.put(wanted.name(), tensor);
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

  private static void expect(String file, String what, String expected, String found) {
    if (!expected.equals(found) && !expected.startsWith(found + " (")) {
      throw new InvalidInputException(
          file + ": " + what + ": expected " + expected + ", found " + found);
    }
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
  }
}
