package dev.acclimate.models.gradients;

import java.util.Arrays;

/** Products of matrices in double precision. */
final class PlainMatrices {
  private PlainMatrices() {}

  /** {@code [.., m, k] [.., k, n]} with broadcasting; vectors count as one row or one column. */
  static PlainArray matMul(PlainArray a, PlainArray b) {
    if (a.rank() == 1) {
      PlainArray rows = matMul(a.reshape(1, a.shape()[0]), b);
      return rows.reshape(without(rows.shape(), rows.rank() - (b.rank() == 1 ? 1 : 2)));
    }
    if (b.rank() == 1) {
      PlainArray columns = matMul(a, b.reshape(b.shape()[0], 1));
      return columns.reshape(without(columns.shape(), columns.rank() - 1));
    }
    int m = a.shape()[a.rank() - 2];
    int k = a.shape()[a.rank() - 1];
    int n = b.shape()[b.rank() - 1];
    int[] batch = PlainArray.commonShape(batch(a), batch(b));
    double[] left = a.broadcast(withMatrix(batch, m, k)).values();
    double[] right = b.broadcast(withMatrix(batch, k, n)).values();
    PlainArray result = new PlainArray(withMatrix(batch, m, n));
    for (int i = 0; i < result.values().length; i++) {
      int matrix = i / (m * n);
      int row = i / n % m;
      double sum = 0;
      for (int j = 0; j < k; j++) {
        sum += left[(matrix * m + row) * k + j] * right[(matrix * k + j) * n + i % n];
      }
      result.values()[i] = sum;
    }
    return result;
  }

  private static int[] batch(PlainArray array) {
    return Arrays.copyOf(array.shape(), array.rank() - 2);
  }

  private static int[] withMatrix(int[] batch, int rows, int columns) {
    int[] shape = Arrays.copyOf(batch, batch.length + 2);
    shape[batch.length] = rows;
    shape[batch.length + 1] = columns;
    return shape;
  }

  private static int[] without(int[] shape, int axis) {
    int[] rest = new int[shape.length - 1];
    for (int i = 0; i < rest.length; i++) {
      rest[i] = shape[i < axis ? i : i + 1];
    }
    return rest;
  }
}
