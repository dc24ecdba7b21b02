package dev.acclimate.streams;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an Open Inference Protocol request says besides its tensors, which {@link RequestDecoder}
 * puts straight into an {@link InputBatch}.
 *
 * @param id the request's id, echoed in the response; null when it has none
 * @param samples entries along the batch axis, at least 1
 * @param binary true for the binary form, which the response takes too
 * @param outputs names of the outputs to answer with; empty for all
 */
public record InferenceRequest(
    @Nullable String id, int samples, boolean binary, Set<String> outputs) {

  public InferenceRequest {
    outputs = Set.copyOf(outputs);
  }
}
