package dev.acclimate.models;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A dense row-major tensor over a direct buffer in native byte order. ONNX Runtime reads and writes
 * the buffer in place, so filling it is the only copy that a batch needs.
 *
 * <p>Closing releases ONNX Runtime's handle on the buffer; the memory itself is the garbage
 * collector's. Views ({@link #first}, {@link #slice}, {@link #reshaped}) share memory with their
 * origin and have handles of their own. Not thread-safe.
 */
public final class Tensor implements AutoCloseable {
  private final ElementType type;
  private final long[] shape;
  private final ByteBuffer bytes;
  private @Nullable OnnxTensor handle;

  private Tensor(ElementType type, long[] shape, ByteBuffer bytes) {
    this.type = type;
    this.shape = shape;
    this.bytes = bytes;
  }

  /** A tensor of zeros. */
  public static Tensor allocate(ElementType type, long... shape) {
    long size = Math.multiplyExact(elements(shape), type.bytes());
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.toIntExact(size)).order(ByteOrder.nativeOrder());
    return new Tensor(type, shape.clone(), bytes);
  }

  /** A float32 tensor holding {@code values}, row-major. */
  public static Tensor of(float[] values, long... shape) {
    if (elements(shape) != values.length) {
      throw new IllegalArgumentException(
          values.length + " values for shape " + TensorInfo.shapeText(shape));
    }
    Tensor tensor = allocate(ElementType.FP32, shape);
    tensor.floats().put(values);
    return tensor;
  }

  /**
   * A tensor over {@code bytes} (position 0 to limit), which must be direct and in native order.
   *
   * @throws IllegalArgumentException when the buffer is not direct or has another size than shape
   *     and type ask for
   */
  public static Tensor wrap(ElementType type, ByteBuffer bytes, long... shape) {
    long size = Math.multiplyExact(elements(shape), type.bytes());
    if (!bytes.isDirect() || bytes.limit() != size) {
      throw new IllegalArgumentException(
          "need a direct buffer of " + size + " bytes, got " + bytes);
    }
    return new Tensor(type, shape.clone(), bytes.duplicate().order(ByteOrder.nativeOrder()));
  }

  /** Number of elements of a tensor of this shape. */
  public static long elements(long... shape) {
    long product = 1;
    for (long size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException("negative size in " + TensorInfo.shapeText(shape));
      }
      product = Math.multiplyExact(product, size);
    }
    return product;
  }

  public ElementType type() {
    return type;
  }

  public long[] shape() {
    return shape.clone();
  }

  public int rank() {
    return shape.length;
  }

  public long size(int axis) {
    return shape[axis];
  }

  public long elements() {
    return elements(shape);
  }

  /** The content; each call returns a buffer of its own position at 0. */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.nativeOrder()).clear();
  }

  /** The content of a float32 tensor; each call returns a buffer of its own position at 0. */
  public FloatBuffer floats() {
    if (type != ElementType.FP32) {
      throw new IllegalStateException("tensor is " + type + ", not FP32");
    }
    return bytes().asFloatBuffer();
  }

  /** The content of an int64 tensor; each call returns a buffer of its own position at 0. */
  public LongBuffer longs() {
    if (type != ElementType.INT64) {
      throw new IllegalStateException("tensor is " + type + ", not INT64");
    }
    return bytes().asLongBuffer();
  }

  /** A copy of a float32 tensor's content. */
  public float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(elements())];
    floats().get(values);
    return values;
  }

  /** A view of the first {@code count} entries along the first axis. */
  public Tensor first(long count) {
    return slice(0, count);
  }

  /** A view of {@code count} entries along the first axis, from entry {@code from} on. */
  public Tensor slice(long from, long count) {
    if (from < 0 || from + count > shape[0]) {
      throw new IllegalArgumentException(
          "entries %d to %d of a tensor of shape %s"
              .formatted(from, from + count, TensorInfo.shapeText(shape)));
    }
    long[] smaller = shape.clone();
    smaller[0] = count;
    long entry = shape[0] == 0 ? 0 : bytes.limit() / shape[0];
    return new Tensor(
        type,
        smaller,
        bytes()
            .slice(Math.toIntExact(from * entry), Math.toIntExact(count * entry))
            .order(ByteOrder.nativeOrder()));
  }

  /** A view of the same elements with another shape. */
  public Tensor reshaped(long... newShape) {
    if (elements(newShape) != elements()) {
      throw new IllegalArgumentException(
          "cannot reshape "
              + TensorInfo.shapeText(shape)
              + " to "
              + TensorInfo.shapeText(newShape));
    }
    return new Tensor(type, newShape.clone(), bytes);
  }

  /** A tensor with memory of its own and the same content. */
  public Tensor copy() {
    Tensor copy = allocate(type, shape);
    copy.bytes().put(bytes());
    return copy;
  }

  /** Overwrites the content with that of a tensor of the same type and shape. */
  public void set(Tensor source) {
    if (source.type != type || !Arrays.equals(source.shape, shape)) {
      throw new IllegalArgumentException("cannot set " + this + " from " + source);
    }
    bytes().put(source.bytes());
  }

  /** False when a float32 element is NaN or infinite; other types are always finite. */
  public boolean isFinite() {
    if (type != ElementType.FP32) {
      return true;
    }
    // x * 0 is NaN for NaN and infinities, and NaN is contagious: no branch per element
    FloatBuffer values = floats();
    float probe = 0;
    for (int i = 0, n = values.limit(); i < n; i++) {
      probe += values.get(i) * 0f;
    }
    return probe == 0f;
  }

  /** True when a float32 element is NaN; other types never are. */
  public boolean hasNaN() {
    if (type != ElementType.FP32) {
      return false;
    }
    FloatBuffer values = floats();
    for (int i = 0, n = values.limit(); i < n; i++) {
      if (Float.isNaN(values.get(i))) {
        return true;
      }
    }
    return false;
  }

  /** ONNX Runtime's view of the buffer, made at first use. */
  OnnxTensor handle(OrtEnvironment environment) throws OrtException {
    OnnxTensor current = handle;
    if (current == null) {
      current =
          switch (type) {
            // the typed overloads are the ones that keep a float or long buffer without copying
            case FP32 -> OnnxTensor.createTensor(environment, floats(), shape);
            case FP64 -> OnnxTensor.createTensor(environment, bytes().asDoubleBuffer(), shape);
            case INT32 -> OnnxTensor.createTensor(environment, bytes().asIntBuffer(), shape);
            case INT64 -> OnnxTensor.createTensor(environment, longs(), shape);
            case INT16, FP16, BF16 ->
                OnnxTensor.createTensor(
                    environment, bytes().asShortBuffer(), shape, type.javaType());
            case INT8, UINT8, BOOL ->
                OnnxTensor.createTensor(environment, bytes(), shape, type.javaType());
          };
      handle = current;
    }
    return current;
  }

  @Override
  public void close() {
    OnnxTensor current = handle;
    if (current != null) {
      current.close();
      handle = null;
    }
  }

  @Override
  public String toString() {
    return type + " " + TensorInfo.shapeText(shape);
  }
}
