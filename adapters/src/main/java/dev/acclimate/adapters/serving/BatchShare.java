package dev.acclimate.adapters.serving;

import org.jspecify.annotations.Nullable;

/**
 * A request's part of a batch.
 *
 * @param stream that its samples belong to, {@link InferenceModel#NO_STREAM} where its sender named
 *     none
 * @param samples along axis 0; 1 for a model without a batch axis
 * @param id the request's id; null where it has none
 */
public record BatchShare(String stream, int samples, @Nullable String id) {
  /** Samples of which nothing is known. */
  public static BatchShare unnamed(int samples) {
    return new BatchShare(InferenceModel.NO_STREAM, samples, null);
  }
}
