package dev.acclimate.agent.serving;

import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The tensors of several requests one after another, in buffers that are used again. */
final class MergedBatch implements AutoCloseable {
  private final Map<String, Tensor> buffers = new HashMap<>();
  private final List<Tensor> views = new ArrayList<>();

  /**
   * The requests' tensors, valid until the next call. A single request's are not copied.
   *
   * @param requests of each the tensors by name, the same names
   */
  Map<String, Tensor> of(List<Map<String, Tensor>> requests) {
    closeViews();
    if (requests.size() == 1) {
      return requests.get(0);
    }
    Map<String, Tensor> merged = new LinkedHashMap<>();
    requests
        .get(0)
        .forEach(
            (name, like) -> {
              List<Tensor> parts =
                  requests.stream().map(r -> Objects.requireNonNull(r.get(name))).toList();
              long samples = parts.stream().mapToLong(part -> part.size(0)).sum();
              Tensor buffer = buffer(name, like, samples);
              int position = 0;
              for (Tensor part : parts) {
                int length = part.bytes().limit();
                buffer.bytes().put(position, part.bytes(), 0, length);
                position += length;
              }
              Tensor view = buffer.first(samples);
              views.add(view);
              merged.put(name, view);
            });
    return merged;
  }

  private Tensor buffer(String name, Tensor like, long samples) {
    Tensor buffer = buffers.get(name);
    long[] shape = like.shape();
    if (buffer != null
        && buffer.type() == like.type()
        && buffer.size(0) >= samples
        && Arrays.equals(buffer.shape(), 1, buffer.rank(), shape, 1, shape.length)) {
      return buffer;
    }
    shape[0] = samples;
    Tensor larger = Tensor.allocate(like.type(), shape);
    buffers.put(name, larger);
    return larger;
  }

  private void closeViews() {
    views.forEach(Tensor::close);
    views.clear();
  }

  @Override
  public void close() {
    closeViews();
    buffers.values().forEach(Tensor::close);
    buffers.clear();
  }
}
