package dev.acclimate.agent.serving;

import dev.acclimate.models.Tensor;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestTensors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A request that waits for its model. */
final class PendingRequest {
  private final InferenceRequest request;
  private final RequestTensors tensors;
  private final Map<String, Tensor> inputs;
  private final @Nullable Map<String, Tensor> answered;
  private final String stream;
  private final long since = System.nanoTime();
  private final CompletableFuture<List<OutputSlice>> answer = new CompletableFuture<>();

  /** A request to be answered. */
  PendingRequest(InferenceRequest request, RequestTensors tensors, String stream) {
    this(request, tensors, stream, null);
  }

  /**
   * A request.
   *
   * @param answered the outputs that another server gave to it, which the model is to adapt beside;
   *     null where it is to answer
   */
  PendingRequest(
      InferenceRequest request,
      RequestTensors tensors,
      String stream,
      @Nullable Map<String, Tensor> answered) {
    this.request = request;
    this.tensors = tensors;
    this.inputs = tensors.tensors();
    this.stream = stream;
    this.answered = answered;
  }

  /** What another server has answered; null where nobody has yet. */
  @Nullable Map<String, Tensor> answered() {
    return answered;
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
    Map<String, Tensor> mine = answered;
    Map<String, Tensor> theirs = other.answered;
    return fit(inputs, other.inputs)
        && (mine == null ? theirs == null : theirs != null && fit(mine, theirs));
  }

  private static boolean fit(Map<String, Tensor> ones, Map<String, Tensor> others) {
    for (Map.Entry<String, Tensor> one : ones.entrySet()) {
      Tensor other = others.get(one.getKey());
      if (other == null || !sameInside(one.getValue().shape(), other.shape())) {
        return false;
      }
    }
    return ones.size() == others.size();
  }

  private static boolean sameInside(long[] one, long[] other) {
    return one.length == other.length && Arrays.equals(one, 1, one.length, other, 1, other.length);
  }

  /** Lets go of the inputs; nobody reads them any more. */
  void release() {
    tensors.close();
  }
}
