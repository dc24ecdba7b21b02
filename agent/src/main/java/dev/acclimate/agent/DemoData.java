package dev.acclimate.agent;

import dev.acclimate.agent.demo.Demo;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.SourceCalibration;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The images of the demo: as many as it shows, since more would only make it start later. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class DemoData {
  /** Long enough for slow methods to settle in, short enough to watch. */
  private static final int DEFAULT_SAMPLES = 40 * Demo.BATCH;

  @Option(
      names = "--data",
      paramLabel = "SPEC",
      defaultValue = "builtin",
      description = "Images or time series: " + DataSpec.KNOWN + ". Default: ${DEFAULT-VALUE}.")
  private String data;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description =
          "Samples a domain. Default: "
              + DEFAULT_SAMPLES
              + ", or as many whole batches as there are.")
  private @Nullable Integer samples;

  private int size;

  /** The images that every domain shows in its own way. */
  ImageSet images() {
    DataSpec spec = DataSpec.parse(data);
    int wanted = samples == null ? DEFAULT_SAMPLES : samples;
    ImageSet all = atMost(spec, wanted).load();
    if (samples != null && (samples < 1 || samples > all.size())) {
      throw new InvalidInputException(
          "--samples: expected 1 to " + all.size() + ", found " + samples);
    }
    size = samples == null ? wholeBatches(Math.min(wanted, all.size())) : samples;
    return all.head(size);
  }

  /** A batch then never waits to be filled, and none holds two domains. */
  private static int wholeBatches(int most) {
    return most < Demo.BATCH ? most : most - most % Demo.BATCH;
  }

  /** Images of the source domain that the model is not judged on. */
  ImageSet sourceImages() {
    return SimulatedStreamOptions.sourceImages(
        data, atMost(DataSpec.parse(data), SourceCalibration.DEFAULT_SAMPLES));
  }

  /** Images that are drawn one by one need not be drawn in vain. */
  private static DataSpec atMost(DataSpec spec, int wanted) {
    return spec instanceof DataSpec.Builtin builtin && wanted > 0
        ? new DataSpec.Builtin(Math.min(builtin.size(), wanted))
        : spec;
  }

  @Override
  public String toString() {
    return "%s, %,d images a domain".formatted(data, size);
  }
}
