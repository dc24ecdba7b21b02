package dev.acclimate.simulate;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where calibrated methods start from: one measurement of source images serves every number of
 * components.
 *
 * @param model to measure
 * @param preprocessing of its images
 * @param seed of the draw and the clustering
 * @param session what the model runs on
 * @param progress is told of the measuring
 */
public record Calibrations(
    OnnxModel model,
    Preprocessing preprocessing,
    long seed,
    SessionSettings session,
    SimulationProgress progress) {

  /**
   * Calibrations by number of components, for those methods that need one.
   *
   * @param given goes before measuring
   * @param sourceImages what is measured, asked for only where need be
   */
  public Map<Integer, Calibration> of(
      List<Method> methods, @Nullable Calibration given, Supplier<ImageSet> sourceImages) {
    Map<Integer, Calibration> calibrations = new HashMap<>();
    List<Integer> wanted =
        methods.stream()
            .filter(Method::needsCalibration)
            .map(Method::calibrationComponents)
            .distinct()
            .toList();
    if (wanted.isEmpty()) {
      return calibrations;
    }
    if (given != null) {
      wanted.forEach(components -> calibrations.put(components, given));
      return calibrations;
    }
    try (SourceCalibration measured =
        SourceCalibration.measure(
            model,
            sourceImages.get(),
            preprocessing,
            SourceCalibration.DEFAULT_SAMPLES,
            seed,
            session,
            progress)) {
      for (int components : wanted) {
        calibrations.put(components, measured.cluster(components, seed));
      }
    }
    return calibrations;
  }
}
