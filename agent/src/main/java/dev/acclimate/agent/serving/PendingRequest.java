package dev.acclimate.agent.serving;

import dev.acclimate.models.Tensor;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestTensors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A request that waits for its model. */
final class PendingRequest {
  private final InferenceRequest request;
  private final RequestTensors tensors;
  private final Map<String, Tensor> inputs;
  private final String stream;
  private final long since = System.nanoTime();
  private final CompletableFuture<List<OutputSlice>> answer = new CompletableFuture<>();

  PendingRequest(InferenceRequest request, RequestTensors tensors, String stream) {
    this.request = request;
    this.tensors = tensors;
    this.inputs = tensors.tensors();
    this.stream = stream;
  }

  InferenceRequest request() {
    return request;
  }

  Map<String, Tensor> inputs() {
    return inputs;
  }

  int samples() {
    return request.samples();
  }

  String stream() {
    return stream;
  }

  /** When it began to wait, by {@link System#nanoTime}. */
  long since() {
    return since;
  }

  CompletableFuture<List<OutputSlice>> answer() {
    return answer;
  }

  /** True where both can share a run: they differ in the first axis only. */
  boolean fits(PendingRequest other) {
    for (Map.Entry<String, Tensor> input : inputs.entrySet()) {
      Tensor theirs = other.inputs.get(input.getKey());
      if (theirs == null || !sameInside(input.getValue().shape(), theirs.shape())) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameInside(long[] one, long[] other) {
    return one.length == other.length && Arrays.equals(one, 1, one.length, other, 1, other.length);
  }

  /** Lets go of the inputs; nobody reads them any more. */
  void release() {
    tensors.close();
  }
}
