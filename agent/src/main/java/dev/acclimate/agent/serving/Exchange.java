package dev.acclimate.agent.serving;

import dev.acclimate.adapters.serving.InferenceModel;
import dev.acclimate.streams.InferenceRequest;
import dev.acclimate.streams.RequestTensors;
import java.util.function.LongConsumer;

/**
 * A request on its way to an answer.
 *
 * @param queue of the model that it is for
 * @param bytes size of the encoded request
 * @param quick whether it is read in less time than another thread takes to wake up
 * @param taking is told of memory before it is taken, and may throw
 * @param since when its body was there, by {@link System#nanoTime}
 * @param <T> the answer
 */
record Exchange<T>(
    InferenceService.Call call,
    BatchQueue queue,
    long bytes,
    boolean quick,
    LongConsumer taking,
    RequestForm<T> form,
    long since) {

  /**
   * What the request was read into.
   *
   * @param model that it was read for
   */
  record Asked(InferenceModel model, InferenceRequest request, RequestTensors tensors) {}
}
