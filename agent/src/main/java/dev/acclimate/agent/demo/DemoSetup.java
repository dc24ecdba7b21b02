package dev.acclimate.agent.demo;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.TensorInfo;
import dev.acclimate.simulate.Segment;
import java.util.List;
import java.util.Map;

/**
 * What a demo runs.
 *
 * @param model the model as it came
 * @param input its input, all axes but the batch's fixed
 * @param entrants the methods, the frozen model first
 * @param segments of the stream
 * @param calibrations where calibrated methods start, by their number of components
 * @param seed where methods that draw start from
 * @param session what each method's model runs on
 */
public record DemoSetup(
    OnnxModel model,
    TensorInfo input,
    List<Entrant> entrants,
    List<Segment> segments,
    Map<Integer, Calibration> calibrations,
    long seed,
    SessionSettings session) {

  public DemoSetup {
    entrants = List.copyOf(entrants);
    segments = List.copyOf(segments);
    calibrations = Map.copyOf(calibrations);
  }

  /** The heads of the methods' columns. */
  public List<String> labels() {
    return entrants.stream().map(Entrant::label).toList();
  }
}
