package dev.acclimate.models.gradients;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A row-major array of doubles, whatever the element type of the tensor that it stands for.
 *
 * @param shape sizes of the axes
 * @param values the elements, last axis fastest
 */
@SuppressWarnings("ArrayRecordComponent")
record PlainArray(int[] shape, double[] values) {
  PlainArray(int... shape) {
    this(shape, new double[count(shape)]);
  }

  static int count(int... shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  static PlainArray scalar(double value) {
    return new PlainArray(new int[0], new double[] {value});
  }

  static PlainArray vector(double... values) {
    return new PlainArray(new int[] {values.length}, values);
  }

  /** Normally distributed numbers, rounded to float so that both sides start from the same ones. */
  static PlainArray random(RandomGenerator random, int... shape) {
    PlainArray array = new PlainArray(shape);
    Arrays.setAll(array.values, i -> (float) random.nextGaussian());
    return array;
  }

  static PlainArray of(TensorProto tensor) {
    int[] shape = tensor.getDimsList().stream().mapToInt(Math::toIntExact).toArray();
    PlainArray array = new PlainArray(shape);
    ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    boolean isRaw = tensor.hasRawData();
    for (int i = 0; i < array.values.length; i++) {
      array.values[i] =
          switch (TensorProto.DataType.forNumber(tensor.getDataType())) {
            case FLOAT -> isRaw ? raw.getFloat() : tensor.getFloatData(i);
            case INT64 -> isRaw ? raw.getLong() : tensor.getInt64Data(i);
            case INT32 -> isRaw ? raw.getInt() : tensor.getInt32Data(i);
            case BOOL -> isRaw ? raw.get() : tensor.getInt32Data(i);
            default -> throw new IllegalArgumentException("type " + tensor.getDataType());
          };
    }
    return array;
  }

  int rank() {
    return shape.length;
  }

  long[] longShape() {
    return Arrays.stream(shape).asLongStream().toArray();
  }

  float[] floats() {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  int[] ints() {
    return Arrays.stream(values)
        .mapToInt(v -> (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, v)))
        .toArray();
  }

  PlainArray copy() {
    return new PlainArray(shape, values.clone());
  }

  PlainArray map(DoubleUnaryOperator operator) {
    return new PlainArray(shape, Arrays.stream(values).map(operator).toArray());
  }

  PlainArray reshape(int... newShape) {
    return new PlainArray(newShape, values);
  }

  /** The position of an element. */
  int offset(int... index) {
    int offset = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      offset = offset * shape[axis] + index[axis];
    }
    return offset;
  }

  /** The indices of the element at a position. */
  int[] index(int offset) {
    int[] index = new int[shape.length];
    int rest = offset;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    return index;
  }

  double at(int... index) {
    return values[offset(index)];
  }

  /** Repeats along axes of size 1 and missing leading axes. */
  PlainArray broadcast(int... wide) {
    if (Arrays.equals(shape, wide)) {
      return this;
    }
    PlainArray result = new PlainArray(wide);
    int lead = wide.length - shape.length;
    for (int i = 0; i < result.values.length; i++) {
      int[] index = result.index(i);
      int[] from = new int[shape.length];
      Arrays.setAll(from, axis -> shape[axis] == 1 ? 0 : index[axis + lead]);
      result.values[i] = at(from);
    }
    return result;
  }

  static int[] commonShape(int[] a, int[] b) {
    int rank = Math.max(a.length, b.length);
    return IntStream.range(0, rank)
        .map(
            axis -> {
              int one = axis < rank - a.length ? 1 : a[axis - rank + a.length];
              int other = axis < rank - b.length ? 1 : b[axis - rank + b.length];
              return one == 1 ? other : one;
            })
        .toArray();
  }

  PlainArray with(PlainArray other, DoubleBinaryOperator operator) {
    int[] common = commonShape(shape, other.shape);
    double[] a = broadcast(common).values;
    double[] b = other.broadcast(common).values;
    PlainArray result = new PlainArray(common);
    Arrays.setAll(result.values, i -> operator.applyAsDouble(a[i], b[i]));
    return result;
  }

  /** Folds the marked axes, which stay with size 1. */
  PlainArray reduce(boolean[] folded, double start, DoubleBinaryOperator fold) {
    int[] small = shape.clone();
    for (int axis = 0; axis < small.length; axis++) {
      small[axis] = folded[axis] ? 1 : small[axis];
    }
    PlainArray result = new PlainArray(small);
    Arrays.fill(result.values, start);
    for (int i = 0; i < values.length; i++) {
      int[] index = index(i);
      for (int axis = 0; axis < small.length; axis++) {
        index[axis] = folded[axis] ? 0 : index[axis];
      }
      int to = result.offset(index);
      result.values[to] = fold.applyAsDouble(result.values[to], values[i]);
    }
    return result;
  }

  /** The mean over the marked axes, which stay with size 1. */
  PlainArray mean(boolean[] folded) {
    PlainArray sum = reduce(folded, 0, Double::sum);
    return sum.map(v -> v * sum.values.length / values.length);
  }

  PlainArray transpose(int... permutation) {
    int[] wide = Arrays.stream(permutation).map(axis -> shape[axis]).toArray();
    PlainArray result = new PlainArray(wide);
    for (int i = 0; i < result.values.length; i++) {
      int[] index = result.index(i);
      int[] from = new int[shape.length];
      for (int axis = 0; axis < from.length; axis++) {
        from[permutation[axis]] = index[axis];
      }
      result.values[i] = at(from);
    }
    return result;
  }

  double dot(PlainArray other) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += values[i] * other.values[i];
    }
    return sum;
  }

  double norm() {
    return Math.sqrt(dot(this));
  }
}
