package dev.acclimate.agent;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.simulate.SimulationProgress;
import dev.acclimate.simulate.SourceCalibration;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where the demo's calibrated methods start from. */
record DemoCalibrations(
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
  Map<Integer, Calibration> of(
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
