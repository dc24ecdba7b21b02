package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.agent.upstream.HttpAnswer;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.InvalidRecordException;
import dev.acclimate.streams.OutputSlice;
import dev.acclimate.streams.RequestTensors;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request in the form that it came in, which is that of its answer.
 *
 * @param <T> the answer
 */
public interface RequestForm<T> {
  /**
   * Reads the request into a model's tensors.
   *
   * @throws InvalidRecordException when the model cannot be asked it
   */
  InferenceRequest read(InferenceModel model, RequestTensors tensors) throws InvalidRecordException;

  /**
   * Writes a model's outputs.
   *
   * @throws InvalidRecordException when they cannot be said in this form
   */
  T write(InferenceRequest request, InferenceModel model, List<OutputSlice> slices)
      throws InvalidRecordException;

  /** The headers that it came with. */
  MultiMap headers();

  /** Whether a server behind this one can have it as it came, and its client the answer. */
  boolean passes();

  /** What that server is sent; null where it must be written for it. */
  @Nullable Buffer body();

  /** That server's answer, be it a refusal, as it came; null where it must be read. */
  @Nullable T handOn(HttpAnswer answer);
}
