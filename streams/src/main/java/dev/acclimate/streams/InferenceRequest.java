package dev.acclimate.streams;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an Open Inference Protocol request says besides its tensors.
 *
 * @param id the request's id, echoed in the response; null when it has none
 * @param samples entries along the batch axis, at least 1
 * @param binary true for the binary form
 * @param outputs names of the outputs to answer with; empty for all
 * @param parameters of the request: texts, numbers and booleans by name
 * @param outputForms outputs that were asked for in the binary form (true) or as JSON (false)
 */
public record InferenceRequest(
    @Nullable String id,
    int samples,
    boolean binary,
    Set<String> outputs,
    Map<String, Object> parameters,
    Map<String, Boolean> outputForms) {

  public InferenceRequest {
    outputs = Set.copyOf(outputs);
    parameters = Map.copyOf(parameters);
    outputForms = Map.copyOf(outputForms);
  }

  /** A request without parameters. */
  public InferenceRequest(@Nullable String id, int samples, boolean binary, Set<String> outputs) {
    this(id, samples, binary, outputs, Map.of(), Map.of());
  }

  /** True where the answer is to hold this output. */
  public boolean wants(String output) {
    return outputs.isEmpty() || outputs.contains(output);
  }

  /** True where this output was asked for in the binary form: itself, or all of them. */
  public boolean wantsBinary(String output) {
    return outputForms.getOrDefault(
        output, Boolean.TRUE.equals(parameters.get("binary_data_output")));
  }
}
