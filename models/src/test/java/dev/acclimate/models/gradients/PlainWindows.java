package dev.acclimate.models.gradients;

import java.util.Arrays;

/** Convolutions and poolings over one or two spatial axes in double precision. */
final class PlainWindows {
  private PlainWindows() {}

  /**
   * How windows lie over an image: for each spatial axis, first the height, 1 where there is none.
   *
   * @param pads before the first element
   * @param results how many windows there are
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Window(int[] kernel, int[] strides, int[] dilations, int[] pads, int[] results) {

    /** Where kernel element {@code k} of window {@code i} lies. */
    int place(int axis, int i, int k) {
      return i * strides[axis] + k * dilations[axis] - pads[axis];
    }

    int reach(int axis) {
      return dilations[axis] * (kernel[axis] - 1) + 1;
    }
  }

  /** An image with a height. */
  static PlainArray flat(PlainArray array) {
    int[] shape = array.shape();
    return array.rank() == 4 ? array : array.reshape(shape[0], shape[1], 1, shape[2]);
  }

  private static PlainArray like(PlainArray image, PlainArray result) {
    int[] shape = result.shape();
    return image.rank() == 4 ? result : result.reshape(shape[0], shape[1], shape[3]);
  }

  /** {@code x [B, C, *]}, {@code w [O, C / group, *]}. */
  static PlainArray conv(PlainArray x, PlainArray w, PlainArray bias, int group, Window window) {
    PlainArray from = flat(x);
    PlainArray weight = flat(w);
    int outputs = w.shape()[0];
    int[] size = window.results();
    PlainArray y = new PlainArray(x.shape()[0], outputs, size[0], size[1]);
    double[] offsets = bias.broadcast(outputs).values();
    for (int b = 0; b < x.shape()[0]; b++) {
      for (int o = 0; o < outputs; o++) {
        int begin = y.offset(b, o, 0, 0);
        Arrays.fill(y.values(), begin, begin + size[0] * size[1], offsets[o]);
        int firstChannel = o / (outputs / group) * w.shape()[1];
        for (int c = 0; c < w.shape()[1]; c++) {
          addWindows(y, b, o, from, firstChannel + c, weight, weight.offset(o, c, 0, 0), window);
        }
      }
    }
    return like(x, y);
  }

  private static void addWindows(
      PlainArray y, int b, int o, PlainArray x, int c, PlainArray w, int kernel, Window window) {
    int height = x.shape()[2];
    int width = x.shape()[3];
    for (int k = 0; k < window.kernel()[0]; k++) {
      for (int l = 0; l < window.kernel()[1]; l++) {
        double weight = w.values()[kernel + k * window.kernel()[1] + l];
        for (int i = 0; i < window.results()[0]; i++) {
          int row = window.place(0, i, k);
          if (row < 0 || row >= height) {
            continue;
          }
          int to = y.offset(b, o, i, 0);
          int from = x.offset(b, c, row, 0);
          for (int j = 0; j < window.results()[1]; j++) {
            int column = window.place(1, j, l);
            if (column >= 0 && column < width) {
              y.values()[to + j] += weight * x.values()[from + column];
            }
          }
        }
      }
    }
  }

  /**
   * {@code x [B, C, *]}, {@code w [C, O / group, *]}.
   *
   * @param size of the result
   */
  static PlainArray convTranspose(
      PlainArray x, PlainArray w, PlainArray bias, int group, Window window, int[] size) {
    PlainArray from = flat(x);
    PlainArray weight = flat(w);
    int perGroup = w.shape()[1];
    int outputs = perGroup * group;
    PlainArray y = new PlainArray(x.shape()[0], outputs, size[0], size[1]);
    double[] offsets = bias.broadcast(outputs).values();
    for (int i = 0; i < y.values().length; i++) {
      y.values()[i] = offsets[y.index(i)[1]];
    }
    for (int i = 0; i < from.values().length; i++) {
      int[] index = from.index(i);
      int firstOutput = index[1] / (x.shape()[1] / group) * perGroup;
      for (int k = 0; k < window.kernel()[0]; k++) {
        for (int l = 0; l < window.kernel()[1]; l++) {
          int row = window.place(0, index[2], k);
          int column = window.place(1, index[3], l);
          if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) {
            continue;
          }
          for (int o = 0; o < perGroup; o++) {
            y.values()[y.offset(index[0], firstOutput + o, row, column)] +=
                from.values()[i] * weight.at(index[1], o, k, l);
          }
        }
      }
    }
    return like(x, y);
  }

  static PlainArray maxPool(PlainArray x, Window window) {
    return pool(
        x, window, (values, inside) -> Arrays.stream(values, 0, inside).max().orElseThrow());
  }

  /**
   * @param countPads whether places in the padding count as zeros
   */
  static PlainArray averagePool(PlainArray x, Window window, boolean countPads) {
    int all = PlainArray.count(window.kernel());
    return pool(
        x,
        window,
        (values, inside) -> Arrays.stream(values, 0, inside).sum() / (countPads ? all : inside));
  }

  /** What a window comes to. */
  private interface Fold {
    double of(double[] values, int inside);
  }

  private static PlainArray pool(PlainArray x, Window window, Fold fold) {
    PlainArray from = flat(x);
    int[] shape = from.shape();
    PlainArray y = new PlainArray(shape[0], shape[1], window.results()[0], window.results()[1]);
    double[] values = new double[PlainArray.count(window.kernel())];
    for (int i = 0; i < y.values().length; i++) {
      int[] index = y.index(i);
      int inside = 0;
      for (int k = 0; k < window.kernel()[0]; k++) {
        for (int l = 0; l < window.kernel()[1]; l++) {
          int row = window.place(0, index[2], k);
          int column = window.place(1, index[3], l);
          if (row >= 0 && row < shape[2] && column >= 0 && column < shape[3]) {
            values[inside++] = from.at(index[0], index[1], row, column);
          }
        }
      }
      y.values()[i] = fold.of(values, inside);
    }
    return like(x, y);
  }
}
