package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.orders.Order;
import dev.acclimate.simulate.orders.SampleOrder;
import dev.acclimate.simulate.scenarios.Scenario;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The options that say what a simulated stream is made of. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SimulatedStreamOptions {
  private static final String SCENARIO_ORDER = "scenario";

  private static final List<String> REPLACED_BY_SCENARIO =
      List.of(
          "--corruptions",
          "--severity",
          "--order",
          "--domains",
          "--rounds",
          "--delta",
          "--stay",
          "--imbalance");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--data",
      paramLabel = "SPEC",
      defaultValue = "builtin",
      description = "Images or time series: " + DataSpec.KNOWN + ". Default: ${DEFAULT-VALUE}.")
  private String data;

  @Option(
      names = "--corruptions",
      paramLabel = "LIST",
      defaultValue = "none",
      description =
          "One domain each, comma-separated: none, domains that the data themselves hold, names as"
              + " published such as gaussian_noise, or all: those of the data, or where they hold none"
              + " the 15 published ones. Default: ${DEFAULT-VALUE}.")
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
      names = "--scenario",
      paramLabel = "FILE",
      description =
          "A stream told segment by segment, in place of all that --corruptions, --severity, --order"
              + " and --domains say: a YAML file, or night-falls, camera-replaced,"
              + " factory-shift-change, seasonal or breakdowns (see acclimate simulate scenarios).")
  private @Nullable String scenario;

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
   * The streams asked for: one of a scenario, or one for each schedule and order.
   *
   * @throws InvalidInputException if an option is wrong, or not to be used with a scenario
   */
  List<StreamPlan> plans() {
    return scenario == null ? scheduled() : List.of(scenario(scenario));
  }

  private List<StreamPlan> scheduled() {
    List<StreamPlan> plans = new ArrayList<>();
    for (DomainSchedule schedule : list(domains).map(DomainSchedule::parse).toList()) {
      for (Order kind : list(order).map(Order::parse).toList()) {
        SampleOrder samples = new SampleOrder(kind, delta, stay, imbalance);
        // typing errors are told before any data are read
        var unused = options(schedule, samples, seed);
        plans.add(
            new StreamPlan(
                kind.id(),
                schedule.id(),
                kinds -> kinds.parse(corruptions, seed).get(0).at(severity),
                (kinds, wanted, streamSeed) ->
                    DomainStream.of(
                        kinds.parse(corruptions, streamSeed),
                        wanted,
                        options(schedule, samples, streamSeed))));
      }
    }
    return plans;
  }

  private StreamOptions options(DomainSchedule schedule, SampleOrder samples, long streamSeed) {
    return new StreamOptions(schedule, severity, samples, streamSeed, rounds);
  }

  private StreamPlan scenario(String nameOrFile) {
    ParseResult parsed = command.commandLine().getParseResult();
    for (String option : REPLACED_BY_SCENARIO) {
      if (parsed.hasMatchedOption(option)) {
        throw new InvalidInputException(
            "%s: expected not with --scenario, which says it segment by segment".formatted(option));
      }
    }
    Scenario read = Scenario.read(nameOrFile);
    return new StreamPlan(
        SCENARIO_ORDER,
        read.name(),
        kinds -> DomainStream.example(read, kinds, seed),
        (kinds, wanted, streamSeed) -> DomainStream.of(read, kinds, wanted, streamSeed));
  }

  private static Stream<String> list(String commas) {
    return Arrays.stream(commas.split(",", -1)).map(String::strip).distinct();
  }

  /** What the stream is made of, by the names of the options. */
  Map<String, String> provenance() {
    Map<String, String> provenance = new TreeMap<>();
    provenance.put("data", data);
    if (scenario != null) {
      provenance.put("scenario", scenario);
      return provenance;
    }
    provenance.put("corruptions", corruptions);
    provenance.put("severity", Integer.toString(severity));
    provenance.put("delta", Double.toString(delta));
    if (list(order).anyMatch(Order.MARKOV.id()::equals)) {
      provenance.put("stay", Double.toString(stay));
    }
    if (imbalance != SampleOrder.DEFAULT_IMBALANCE) {
      provenance.put("imbalance", Double.toString(imbalance));
    }
    if (list(domains).anyMatch(DomainSchedule.RECURRING.id()::equals)) {
      provenance.put("rounds", Integer.toString(rounds));
    }
    return provenance;
  }

  /** The ways in which the data can look. */
  DomainKinds kinds() {
    return DomainKinds.of(DataSpec.parse(data));
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
    if (!spec.hasTrainingPart()) {
      throw new InvalidInputException(
          "--data "
              + data
              + " has no training part to calibrate on: make a calibration from source samples with"
              + " 'acclimate calibrate' and pass --calibration FILE");
    }
    return spec.load(Split.TRAIN);
  }
}
