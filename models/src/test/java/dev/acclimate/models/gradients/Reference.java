package dev.acclimate.models.gradients;

import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/** The operators' forward passes in double precision, written for plainness. */
final class Reference {
  private Reference() {}

  /** A row-major array. */
  @SuppressWarnings("ArrayRecordComponent")
  record Array(int[] shape, double[] values) {
    Array(int... shape) {
      this(shape, new double[count(shape)]);
    }

    static int count(int... shape) {
      int count = 1;
      for (int size : shape) {
        count *= size;
      }
      return count;
    }

    static Array random(RandomGenerator random, int... shape) {
      Array array = new Array(shape);
      for (int i = 0; i < array.values.length; i++) {
        // as float, so that both sides start from the same numbers
        array.values[i] = (float) random.nextGaussian();
      }
      return array;
    }

    long[] longShape() {
      long[] sizes = new long[shape.length];
      for (int i = 0; i < sizes.length; i++) {
        sizes[i] = shape[i];
      }
      return sizes;
    }

    float[] floats() {
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) values[i];
      }
      return floats;
    }

    double at(int... index) {
      return values[offset(index)];
    }

    int offset(int... index) {
      int offset = 0;
      for (int axis = 0; axis < shape.length; axis++) {
        offset = offset * shape[axis] + index[axis];
      }
      return offset;
    }

    Array map(DoubleUnaryOperator operator) {
      Array result = new Array(shape);
      for (int i = 0; i < values.length; i++) {
        result.values[i] = operator.applyAsDouble(values[i]);
      }
      return result;
    }

    Array reshape(int... newShape) {
      return new Array(newShape, values.clone());
    }

    /** Repeats along axes of size 1 and missing leading axes. */
    Array broadcast(int... wide) {
      Array result = new Array(wide);
      int lead = wide.length - shape.length;
      int[] index = new int[wide.length];
      for (int i = 0; i < result.values.length; i++) {
        int rest = i;
        for (int axis = wide.length - 1; axis >= 0; axis--) {
          index[axis] = rest % wide[axis];
          rest /= wide[axis];
        }
        int[] from = new int[shape.length];
        for (int axis = 0; axis < from.length; axis++) {
          from[axis] = shape[axis] == 1 ? 0 : index[axis + lead];
        }
        result.values[i] = at(from);
      }
      return result;
    }
  }

  /** d(sum of weights * f(array)) / d array by central differences. */
  static double[] centralDifferences(Function<Array, Double> f, Array array) {
    double step = 1e-5;
    double[] slopes = new double[array.values.length];
    for (int i = 0; i < slopes.length; i++) {
      double kept = array.values[i];
      array.values[i] = kept + step;
      double above = f.apply(array);
      array.values[i] = kept - step;
      double below = f.apply(array);
      array.values[i] = kept;
      slopes[i] = (above - below) / (2 * step);
    }
    return slopes;
  }

  /** 2-d convolution; strides, dilations and pads as ONNX orders them. */
  static Array conv(Array x, Array w, Array bias, int[] strides, int[] dilations, int[] pads) {
    int batch = x.shape[0];
    int outputs = w.shape[0];
    int[] size = new int[2];
    for (int a = 0; a < 2; a++) {
      int reach = dilations[a] * (w.shape[a + 2] - 1) + 1;
      size[a] = (x.shape[a + 2] + pads[a] + pads[a + 2] - reach) / strides[a] + 1;
    }
    Array y = new Array(batch, outputs, size[0], size[1]);
    for (int b = 0; b < batch; b++) {
      for (int o = 0; o < outputs; o++) {
        for (int i = 0; i < size[0]; i++) {
          for (int j = 0; j < size[1]; j++) {
            double sum = bias.values[o];
            for (int c = 0; c < w.shape[1]; c++) {
              for (int k = 0; k < w.shape[2]; k++) {
                for (int l = 0; l < w.shape[3]; l++) {
                  int row = i * strides[0] + k * dilations[0] - pads[0];
                  int column = j * strides[1] + l * dilations[1] - pads[1];
                  if (row >= 0 && row < x.shape[2] && column >= 0 && column < x.shape[3]) {
                    sum += w.at(o, c, k, l) * x.at(b, c, row, column);
                  }
                }
              }
            }
            y.values[y.offset(b, o, i, j)] = sum;
          }
        }
      }
    }
    return y;
  }

  /** Mean (row 0) and biased variance (row 1) of each channel of {@code [B, C, places]}. */
  static double[][] channelStatistics(Array x) {
    int channels = x.shape[1];
    int places = x.values.length / x.shape[0] / channels;
    double[][] statistics = new double[2][channels];
    int count = x.shape[0] * places;
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      for (int b = 0; b < x.shape[0]; b++) {
        for (int p = 0; p < places; p++) {
          sum += x.values[(b * channels + c) * places + p];
        }
      }
      double mean = sum / count;
      double squares = 0;
      for (int b = 0; b < x.shape[0]; b++) {
        for (int p = 0; p < places; p++) {
          double centred = x.values[(b * channels + c) * places + p] - mean;
          squares += centred * centred;
        }
      }
      statistics[0][c] = mean;
      statistics[1][c] = squares / count;
    }
    return statistics;
  }

  static Array normalize(
      Array x, double[] gamma, double[] beta, double[] mean, double[] variance, double epsilon) {
    int channels = x.shape[1];
    int places = x.values.length / x.shape[0] / channels;
    Array y = new Array(x.shape);
    for (int i = 0; i < y.values.length; i++) {
      int c = i / places % channels;
      double scaled = (x.values[i] - mean[c]) / Math.sqrt(variance[c] + epsilon);
      y.values[i] = scaled * gamma[c] + beta[c];
    }
    return y;
  }

  static Array globalAveragePool(Array x) {
    int channels = x.shape[1];
    int places = x.values.length / x.shape[0] / channels;
    int[] shape = x.shape.clone();
    for (int axis = 2; axis < shape.length; axis++) {
      shape[axis] = 1;
    }
    Array y = new Array(shape);
    for (int i = 0; i < x.values.length; i++) {
      y.values[i / places] += x.values[i] / places;
    }
    return y;
  }

  static Array gemm(
      Array a, Array b, Array c, boolean transA, boolean transB, double alpha, double beta) {
    int rows = a.shape[transA ? 1 : 0];
    int inner = a.shape[transA ? 0 : 1];
    int columns = b.shape[transB ? 0 : 1];
    Array y = new Array(rows, columns);
    Array wide = c.broadcast(rows, columns);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double sum = 0;
        for (int k = 0; k < inner; k++) {
          sum += (transA ? a.at(k, i) : a.at(i, k)) * (transB ? b.at(j, k) : b.at(k, j));
        }
        y.values[i * columns + j] = alpha * sum + beta * wide.at(i, j);
      }
    }
    return y;
  }

  static Array logSoftmaxOfRows(Array x) {
    int columns = x.shape[1];
    Array y = new Array(x.shape);
    for (int i = 0; i < x.shape[0]; i++) {
      double sum = 0;
      for (int j = 0; j < columns; j++) {
        sum += Math.exp(x.at(i, j));
      }
      for (int j = 0; j < columns; j++) {
        y.values[i * columns + j] = x.at(i, j) - Math.log(sum);
      }
    }
    return y;
  }

  /** Sums {@code [a, b, c]} over the middle axis. */
  static Array sumOverMiddle(Array x) {
    Array y = new Array(x.shape[0], x.shape[2]);
    for (int i = 0; i < x.shape[0]; i++) {
      for (int j = 0; j < x.shape[1]; j++) {
        for (int k = 0; k < x.shape[2]; k++) {
          y.values[i * x.shape[2] + k] += x.at(i, j, k);
        }
      }
    }
    return y;
  }
}
