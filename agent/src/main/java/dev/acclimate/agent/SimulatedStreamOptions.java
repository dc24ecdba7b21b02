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
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.orders.Order;
import java.util.Map;
import picocli.CommandLine.Mixin;
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
      description =
          "One domain each, comma-separated: none, names as published such as gaussian_noise, or all"
              + " for the 15 of them. Default: ${DEFAULT-VALUE}.")
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

  @Mixin private PreprocessingOptions preprocessing;

  /** How pixels become the model's inputs. */
  Preprocessing preprocessing(ModelArgument model, ImageSet images) {
    return preprocessing.of(model, images);
  }

  /** Of everything random. */
  long seed() {
    return seed;
  }

  /** Of the samples within a domain. */
  String order() {
    return order;
  }

  /** What the stream is made of, by the names of the options. */
  Map<String, String> provenance() {
    return Map.of(
        "data",
        data,
        "corruptions",
        corruptions,
        "severity",
        Integer.toString(severity),
        "delta",
        Double.toString(delta));
  }

  /** The images. */
  ImageSet images() {
    return DataSpec.parse(data).load();
  }

  /**
   * Images of the source domain that the model is not judged on.
   *
   * @throws InvalidInputException when the data has no such part
   */
  ImageSet sourceImages() {
    return sourceImages(data, DataSpec.parse(data));
  }

  /** Likewise, of data that was read already. */
  static ImageSet sourceImages(String data, DataSpec spec) {
    if (spec instanceof DataSpec.Npz) {
      throw new InvalidInputException(
          "--data "
              + data
              + " has no training part to calibrate on: make a calibration from source samples with"
              + " 'acclimate calibrate' and pass --calibration FILE");
    }
    return spec.load(Split.TRAIN);
  }

  /** The stream of these images. */
  DomainStream stream(ImageSet images, Preprocessing wanted, DomainSchedule schedule) {
    return stream(images, wanted, schedule, StreamOptions.DEFAULT_ROUNDS);
  }

  /** The stream of these images, recurring domains so many times. */
  DomainStream stream(ImageSet images, Preprocessing wanted, DomainSchedule schedule, int rounds) {
    StreamOptions options =
        new StreamOptions(
            Shift.all(Corruption.parseList(corruptions), severity),
            schedule,
            Order.parse(order),
            delta,
            seed,
            rounds);
    return DomainStream.of(images, wanted, options);
  }
}
