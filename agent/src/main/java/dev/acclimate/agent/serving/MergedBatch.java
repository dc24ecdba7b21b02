package dev.acclimate.agent.serving;

import dev.acclimate.models.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The inputs of several requests one after another, in buffers that are used again. */
final class MergedBatch implements AutoCloseable {
  private final Map<String, Tensor> buffers = new HashMap<>();
  private final List<Tensor> views = new ArrayList<>();

  /** The requests' inputs, valid until the next call. A single request's are not copied. */
  Map<String, Tensor> of(List<PendingRequest> requests) {
    closeViews();
    if (requests.size() == 1) {
      return requests.get(0).inputs();
    }
    long samples = requests.stream().mapToLong(PendingRequest::samples).sum();
    Map<String, Tensor> merged = new LinkedHashMap<>();
    requests
        .get(0)
        .inputs()
        .forEach(
            (name, like) -> {
              Tensor buffer = buffer(name, like, samples);
              int position = 0;
              for (PendingRequest request : requests) {
                Tensor input = Objects.requireNonNull(request.inputs().get(name));
                int length = input.bytes().limit();
                buffer.bytes().put(position, input.bytes(), 0, length);
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
