package dev.acclimate.adapters.serving;

import dev.acclimate.models.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Puts answers together of which some samples' come from one model and some from another. */
final class RowMix implements AutoCloseable {
  private final Map<String, Tensor> mixed = new HashMap<>();

  /**
   * The answers of {@code base}, with those samples' of {@code other} that are marked. An output
   * without a sample's axis is the base's.
   *
   * @param marked {@code [B]}
   * @return valid until the next call
   */
  Map<String, Tensor> of(Map<String, Tensor> base, Map<String, Tensor> other, boolean... marked) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    base.forEach(
        (name, tensor) -> {
          Tensor rows = other.get(name);
          boolean bySample =
              rows != null
                  && tensor.rank() > 0
                  && tensor.size(0) == marked.length
                  && Arrays.equals(tensor.shape(), rows.shape());
          outputs.put(name, bySample && rows != null ? mix(name, tensor, rows, marked) : tensor);
        });
    return outputs;
  }

  private Tensor mix(String name, Tensor base, Tensor other, boolean... marked) {
    Tensor result = mixed.get(name);
    if (result == null || !Arrays.equals(result.shape(), base.shape())) {
      if (result != null) {
        result.close();
      }
      result = Tensor.allocate(base.type(), base.shape());
      mixed.put(name, result);
    }
    result.set(base);
    ByteBuffer into = result.bytes();
    ByteBuffer from = other.bytes();
    int row = into.limit() / marked.length;
    for (int i = 0; i < marked.length; i++) {
      if (marked[i]) {
        into.put(i * row, from, i * row, row);
      }
    }
    return result;
  }

  @Override
  public void close() {
    mixed.values().forEach(Tensor::close);
  }
}
