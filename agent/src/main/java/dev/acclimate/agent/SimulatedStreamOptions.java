package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.orders.Order;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what a simulated stream is made of. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SimulatedStreamOptions {

  @Option(
      names = "--data",
      paramLabel = "SPEC",
      defaultValue = "builtin",
      description = "Images: " + DataSpec.KNOWN + ". Default: ${DEFAULT-VALUE}.")
  private String data;

  @Option(
      names = "--corruptions",
      paramLabel = "LIST",
      defaultValue = "none",
      description = "One domain each, comma-separated. Default: ${DEFAULT-VALUE}.")
  private String corruptions;

  @Option(
      names = "--severity",
      paramLabel = "N",
      defaultValue = "5",
      description = "Of the corruptions, 1 to 5. Default: ${DEFAULT-VALUE}.")
  private int severity;

  @Option(
      names = "--order",
      paramLabel = "O",
      defaultValue = "dirichlet",
      description = "iid, dirichlet, sorted or as-is. Default: ${DEFAULT-VALUE}.")
  private String order;

  @Option(
      names = "--delta",
      paramLabel = "D",
      defaultValue = "0.1",
      description = "Dirichlet concentration; small means bursts. Default: ${DEFAULT-VALUE}.")
  private double delta;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of everything random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--mean",
      paramLabel = "LIST",
      description = "Channel means, with --std; else the YAML file beside the model says.")
  private @Nullable String mean;

  @Option(names = "--std", paramLabel = "LIST", description = "Channel standard deviations.")
  private @Nullable String std;

  /** How pixels become the model's inputs. */
  Preprocessing preprocessing(Path model, ImageSet images) {
    if ((mean == null) != (std == null)) {
      throw new InvalidInputException("--mean and --std: expected both or none, found one of them");
    }
    Preprocessing beside = Preprocessing.forModel(model, images.channels());
    if (mean == null || std == null) {
      return beside;
    }
    return beside.withStatistics(
        Preprocessing.parseNumbers("--mean", mean), Preprocessing.parseNumbers("--std", std));
  }

  /** The images. */
  ImageSet images() {
    return DataSpec.parse(data).load();
  }

  /** The stream of these images. */
  DomainStream stream(ImageSet images, Preprocessing preprocessing) {
    StreamOptions options =
        new StreamOptions(
            Shift.all(Corruption.parseList(corruptions), severity),
            DomainSchedule.CONTINUAL,
            Order.parse(order),
            delta,
            seed);
    return DomainStream.of(images, preprocessing, options);
  }
}
