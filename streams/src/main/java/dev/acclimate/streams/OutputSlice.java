package dev.acclimate.streams;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One request's share of a model's output.
 *
 * @param shape of the share, the request's samples along axis 0
 * @param bytes its elements, position 0 to limit, in native order
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
public record OutputSlice(String name, ElementType type, long[] shape, ByteBuffer bytes) {

  /** The whole of an output, over its memory. */
  public static OutputSlice of(String name, Tensor tensor) {
    return new OutputSlice(name, tensor.type(), tensor.shape(), tensor.bytes());
  }

  /** Samples of an output, over its memory. */
  public static OutputSlice of(String name, Tensor tensor, int first, int count) {
    long[] shape = tensor.shape();
    int sample = Math.toIntExact(tensor.elements() / shape[0] * tensor.type().bytes());
    shape[0] = count;
    ByteBuffer bytes =
        tensor.bytes().slice(first * sample, count * sample).order(ByteOrder.nativeOrder());
    return new OutputSlice(name, tensor.type(), shape, bytes);
  }

  /** The same in memory of its own, which outlives the model's next run. */
  public OutputSlice copy() {
    ByteBuffer copy = ByteBuffer.allocate(bytes.limit()).order(ByteOrder.nativeOrder());
    copy.put(0, bytes, 0, bytes.limit());
    return new OutputSlice(name, type, shape, copy);
  }

  /** Its elements as the protocol's raw form has them, little-endian. */
  public byte[] toRaw() {
    byte[] raw = new byte[bytes.limit()];
    RawElements.toLittleEndian(bytes, 0, raw.length, type, raw, 0);
    return raw;
  }
}
