package dev.acclimate.streams;

import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.Segment;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.scenarios.Scenario;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What the shipped model reads of a scenario, sample by sample. */
public final class ScenarioSamples {
  private static final int IMAGES = 320;

  private ScenarioSamples() {}

  /**
   * Samples of these segments, one after the other.
   *
   * @param folder where the scenario is written
   * @param segments as a scenario file lists them
   */
  public static List<float[]> of(Path folder, String segments, long seed) throws IOException {
    Path scenario = Files.writeString(folder.resolve("scenario.yaml"), "segments: " + segments);
    DomainStream stream =
        DomainStream.of(
            Scenario.read(scenario.toString()),
            DomainKinds.of(new DataSpec.Builtin(IMAGES)),
            BuiltinModel.preprocessing(),
            seed);
    int size = (int) BuiltinModel.load().inputs().get(0).elementsPerSample();
    List<float[]> samples = new ArrayList<>();
    for (Segment segment : stream.segments()) {
      FloatBuffer values = FloatBuffer.allocate(segment.size() * size);
      segment.fill(0, segment.size(), values);
      for (int i = 0; i < segment.size(); i++) {
        samples.add(Arrays.copyOfRange(values.array(), i * size, (i + 1) * size));
      }
    }
    return samples;
  }
}
