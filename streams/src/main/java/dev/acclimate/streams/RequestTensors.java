package dev.acclimate.streams;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.TensorInfo;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** The tensors of one request, each over a direct buffer of its own. Not thread-safe. */
public final class RequestTensors implements InputTarget, AutoCloseable {
  private final ModelInputs inputs;
  private final long requestBytes;
  private final LongConsumer taking;
  private final boolean[] seen;
  private final @Nullable Tensor[] tensors;

  /**
   * Room for these inputs of a model.
   *
   * @param requestBytes size of the encoded request: a shape may claim any size, and no buffer is
   *     made for more elements than that many bytes can hold
   * @param taking is told the bytes of each buffer before it is made, and may throw
   */
  public RequestTensors(List<TensorInfo> inputs, long requestBytes, LongConsumer taking) {
    this.inputs = new ModelInputs(inputs);
    this.seen = new boolean[inputs.size()];
    this.requestBytes = requestBytes;
    this.taking = taking;
    this.tensors = new Tensor[inputs.size()];
  }

  /**
   * Makes room for an input that a request names.
   *
   * @return its place among the model's inputs
   * @throws InvalidRecordException when the model has no such input, or one of another type or
   *     shape, or has been given it before
   */
  public int add(String name, String datatype, long... shape) throws InvalidRecordException {
    int input = inputs.find(name, seen);
    inputs.requireType(input, datatype);
    if (Arrays.stream(shape).anyMatch(size -> size < 0)) {
      throw RequestDecoder.wrongShape(ModelInputs.about(name), inputs.get(input), shape);
    }
    place(input, shape, ModelInputs.about(name));
    return input;
  }

  /**
   * Fills an input with raw elements.
   *
   * @param raw little-endian elements, row by row
   * @throws InvalidRecordException when they are too few or too many
   */
  public void fill(int input, byte[] raw) throws InvalidRecordException {
    Tensor tensor = tensor(input);
    if (raw.length != tensor.bytes().limit()) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_COUNT,
          ModelInputs.about(inputs.get(input).name())
              + "expected "
              + tensor.bytes().limit()
              + " bytes of data, found "
              + raw.length);
    }
    RawElements.fromLittleEndian(raw, 0, raw.length, tensor.type(), tensor.bytes(), 0);
  }

  /**
   * Checks that all inputs have been added and hold finite numbers.
   *
   * @throws InvalidRecordException when one does not
   */
  public void requireComplete() throws InvalidRecordException {
    inputs.requireAll(seen);
    for (int input = 0; input < tensors.length; input++) {
      Tensor tensor = tensor(input);
      RequestDecoder.requireFinite(
          ModelInputs.about(inputs.get(input).name()),
          tensor.type(),
          tensor.bytes(),
          0,
          tensor.bytes().limit());
    }
  }

  /** An input's tensor, to be written to. */
  public Tensor at(int input) {
    return tensor(input);
  }

  @Override
  public void place(int input, long[] shape, String about) throws InvalidRecordException {
    TensorInfo info = inputs.get(input);
    if (!info.accepts(shape) || Arrays.stream(shape).anyMatch(size -> size == 0)) {
      throw RequestDecoder.wrongShape(about, info, shape);
    }
    if (!held(shape)) {
      throw new InvalidRecordException(
          DeadLetterReason.WRONG_COUNT,
          about
              + "expected as many elements as shape "
              + Arrays.toString(shape)
              + " says, found a request of "
              + requestBytes
              + " bytes");
    }
    taking.accept(Tensor.elements(shape) * info.type().bytes());
    tensors[input] = Tensor.allocate(info.type(), shape);
  }

  private boolean held(long[] shape) {
    long room = Math.min(requestBytes, Integer.MAX_VALUE / 8);
    for (long size : shape) {
      room /= size;
    }
    return room > 0;
  }

  @Override
  public ByteBuffer buffer(int input) {
    return tensor(input).bytes();
  }

  @Override
  public int offset(int input) {
    return 0;
  }

  private Tensor tensor(int input) {
    Tensor tensor = tensors[input];
    if (tensor == null) {
      throw new InvalidInputException("input " + inputs.get(input).name() + " is missing");
    }
    return tensor;
  }

  @Override
  public int samples() {
    for (Tensor tensor : tensors) {
      if (tensor != null && tensor.rank() > 0) {
        return Math.toIntExact(tensor.size(0));
      }
    }
    return 1;
  }

  /** Bytes of all tensors. */
  public long bytes() {
    long bytes = 0;
    for (int input = 0; input < tensors.length; input++) {
      bytes += buffer(input).limit();
    }
    return bytes;
  }

  /**
   * The tensors by input name.
   *
   * @throws InvalidInputException when one was not filled
   */
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> byName = new LinkedHashMap<>();
    for (int input = 0; input < tensors.length; input++) {
      byName.put(inputs.get(input).name(), tensor(input));
    }
    return byName;
  }

  @Override
  public void close() {
    for (Tensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }
}
