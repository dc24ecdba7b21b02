package dev.acclimate.agent;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.DomainSchedule;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.MethodRun;
import dev.acclimate.simulate.Simulation;
import dev.acclimate.simulate.SimulationOptions;
import dev.acclimate.simulate.SimulationReport;
import dev.acclimate.simulate.StreamOptions;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** Tells offline whether adaptation helps on a stream. */
@Command(
    name = "simulate",
    description = {
      "Replays data under drift through a model, once per method, and counts wrong answers. Prints",
      "a table and writes results.json and report.html."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Methods that start calibrated measure the training part of the data, unless --calibration",
      "names a file.",
      "Example: acclimate simulate --model resnet20.onnx --data cifar10:data/cifar10 \\",
      "    --methods \"source,alpha-bn,unmix-tns[momentum=0.5]\" \\",
      "    --corruptions none,gaussian_noise,fog --severity 5 --out results"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SimulateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "M",
      defaultValue = ModelArgument.BUILTIN,
      description = "An ONNX file, or builtin. Default: ${DEFAULT-VALUE}.")
  private String model;

  @Option(
      names = "--methods",
      paramLabel = "LIST",
      defaultValue = "source,tbn,alpha-bn,unmix-tns",
      description = "Comma-separated, options in brackets. Default: ${DEFAULT-VALUE}.")
  private String methods;

  @Option(
      names = "--domains",
      paramLabel = "S",
      defaultValue = "single",
      description =
          "single (state reset before each domain), continual or recurring (the continual"
              + " sequence again and again). Default: ${DEFAULT-VALUE}.")
  private String domains;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "" + StreamOptions.DEFAULT_ROUNDS,
      description = "How often domains recur. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "64",
      description = "Samples a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Use the first N samples of the data only. Default: all.")
  private @Nullable Integer samples;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description = "Where calibrated methods start, made by calibrate.")
  private @Nullable Path calibration;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "results",
      description = "Folder of results.json and report.html. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Mixin private SimulatedStreamOptions simulated;

  @Mixin private SessionOptions session;

  @Override
  public Integer call() {
    ModelArgument argument = new ModelArgument(model);
    OnnxModel loaded = argument.load();
    List<String> names = Method.splitList(methods);
    names.forEach(Method::parse); // a typing error is told before any data is read
    DomainSchedule schedule = DomainSchedule.parse(domains);
    SimulationOptions options =
        new SimulationOptions(
            names,
            batchSize,
            simulated.seed(),
            session.settings(),
            calibration == null ? null : Calibration.read(calibration));
    ImageSet images = images();
    Preprocessing preprocessing = simulated.preprocessing(argument, images);
    DomainStream stream = simulated.stream(images, preprocessing, schedule, rounds);
    Simulation simulation =
        new Simulation(loaded, stream, preprocessing, options, simulated::sourceImages);
    List<MethodRun> runs;
    try (ProgressBar progress = ProgressBar.on(spec.commandLine().getErr())) {
      runs = simulation.run(progress);
    }
    SimulationReport report =
        new SimulationReport(
            model,
            simulated.seed(),
            batchSize,
            simulated.order(),
            schedule.id(),
            provenance(loaded, images, schedule),
            runs);
    report.write(out);
    PrintWriter writer = spec.commandLine().getOut();
    writer.print(report.toTable());
    writer.println();
    writer.println("written: " + out.resolve("results.json") + ", " + out.resolve("report.html"));
    writer.flush();
    return 0;
  }

  private ImageSet images() {
    ImageSet all = simulated.images();
    if (samples == null) {
      return all;
    }
    if (samples < 1 || samples > all.size()) {
      throw new InvalidInputException(
          "--samples: expected 1 to " + all.size() + ", found " + samples);
    }
    return all.head(samples);
  }

  private Map<String, String> provenance(
      OnnxModel loaded, ImageSet images, DomainSchedule schedule) {
    Map<String, String> provenance = new TreeMap<>(simulated.provenance());
    if (schedule == DomainSchedule.RECURRING) {
      provenance.put("rounds", Integer.toString(rounds));
    }
    provenance.put("model_digest", loaded.digest());
    provenance.put("samples", Integer.toString(images.size()));
    provenance.put("version", Acclimate.VERSION);
    provenance.put(
        "command", "acclimate " + String.join(" ", quoted(spec.commandLine().getParseResult())));
    return provenance;
  }

  private static List<String> quoted(ParseResult parsed) {
    return parsed.originalArgs().stream()
        .map(argument -> argument.matches("[\\w.,:/=+-]+") ? argument : "'" + argument + "'")
        .toList();
  }
}
