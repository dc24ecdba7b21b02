package dev.acclimate.adapters;

import dev.acclimate.models.InvalidInputException;
import org.jspecify.annotations.Nullable;

/**
 * Clusters of one site's per-instance statistics on source samples.
 *
 * @param components number of clusters K
 * @param mean mean of each, {@code [K, C]} row-major
 * @param variance variance of each around its mean, {@code [K, C]} row-major
 */
@SuppressWarnings("ArrayRecordComponent") // compared by no one
public record SiteComponents(int components, float[] mean, float[] variance) {

  /**
   * A site's calibration for a method that starts from so many components.
   *
   * @throws InvalidInputException when there is none, or it has another number
   */
  static SiteComponents require(@Nullable SiteComponents found, int components, Method method) {
    if (found == null || found.components() != components) {
      throw new InvalidInputException(
          method.canonical()
              + ": expected a calibration of "
              + components
              + " components, found "
              + (found == null ? "none" : found.components()));
    }
    return found;
  }
}
