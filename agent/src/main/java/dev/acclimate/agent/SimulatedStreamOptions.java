package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.DomainKind;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
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
      description =
          "Of the samples within a domain: iid, dirichlet, markov, sorted or as-is. Default:"
              + " ${DEFAULT-VALUE}.")
  private String order;

  @Option(
      names = "--domains",
      paramLabel = "S",
      defaultValue = "single",
      description =
          "single (state reset before each domain), continual (one after another), mixed (each"
              + " sample from any), gradual (severity rising and falling), recurring (the continual"
              + " sequence again and again) or smooth (each fading into the next). Default:"
              + " ${DEFAULT-VALUE}.")
  private String domains;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "" + StreamOptions.DEFAULT_ROUNDS,
      description = "How often domains recur. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--delta",
      paramLabel = "D",
      defaultValue = "" + SampleOrder.DEFAULT_DELTA,
      description = "Dirichlet concentration; small means bursts. Default: ${DEFAULT-VALUE}.")
  private double delta;

  @Option(
      names = "--stay",
      paramLabel = "P",
      defaultValue = "" + SampleOrder.DEFAULT_STAY,
      description =
          "In markov order: probability that the next label equals the last. Default:"
              + " ${DEFAULT-VALUE}.")
  private double stay;

  @Option(
      names = "--imbalance",
      paramLabel = "R",
      defaultValue = "" + SampleOrder.DEFAULT_IMBALANCE,
      description =
          "How many times more samples the most frequent class keeps than the rarest. Default:"
              + " ${DEFAULT-VALUE}.")
  private double imbalance;

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

  /**
   * Of the samples within a domain; several where the user listed several.
   *
   * @throws InvalidInputException if one is unknown
   */
  List<Order> orders() {
    return list(order).map(Order::parse).toList();
  }

  /**
   * How domains follow one another; several where the user listed several.
   *
   * @throws InvalidInputException if one is unknown
   */
  List<DomainSchedule> schedules() {
    return list(domains).map(DomainSchedule::parse).toList();
  }

  private static Stream<String> list(String commas) {
    return Arrays.stream(commas.split(",", -1)).map(String::strip).distinct();
  }

  /** What the stream is made of, by the names of the options. */
  Map<String, String> provenance() {
    Map<String, String> provenance = new TreeMap<>();
    provenance.put("data", data);
    provenance.put("corruptions", corruptions);
    provenance.put("severity", Integer.toString(severity));
    provenance.put("delta", Double.toString(delta));
    if (orders().contains(Order.MARKOV)) {
      provenance.put("stay", Double.toString(stay));
    }
    if (imbalance != SampleOrder.DEFAULT_IMBALANCE) {
      provenance.put("imbalance", Double.toString(imbalance));
    }
    if (schedules().contains(DomainSchedule.RECURRING)) {
      provenance.put("rounds", Integer.toString(rounds));
    }
    return provenance;
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

  /**
   * The stream of these images.
   *
   * @param streamSeed of everything random
   */
  DomainStream stream(
      ImageSet images,
      Preprocessing wanted,
      DomainSchedule schedule,
      Order sampleOrder,
      long streamSeed) {
    return DomainStream.of(
        DomainKind.corrupted(images, Corruption.parseList(corruptions), streamSeed),
        wanted,
        new StreamOptions(
            schedule,
            severity,
            new SampleOrder(sampleOrder, delta, stay, imbalance),
            streamSeed,
            rounds));
  }
}
