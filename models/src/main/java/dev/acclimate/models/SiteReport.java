package dev.acclimate.models;

import org.jspecify.annotations.Nullable;

/**
 * What was found at one normalization node.
 *
 * @param name node name
 * @param operator its ONNX operator
 * @param site the site, null where it cannot adapt
 * @param obstacle why it cannot adapt, empty where it can
 */
public record SiteReport(
    String name, String operator, @Nullable NormalizationSite site, String obstacle) {

  public boolean adaptable() {
    return site != null;
  }
}
