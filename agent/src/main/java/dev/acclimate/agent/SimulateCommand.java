package dev.acclimate.agent;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.DomainKinds;
import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.OutputFolder;
import dev.acclimate.simulate.Simulation;
import dev.acclimate.simulate.SimulationOptions;
import dev.acclimate.simulate.SimulationReport;
import dev.acclimate.simulate.StreamProfile;
import dev.acclimate.simulate.Sweep;
import dev.acclimate.simulate.Trial;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.report.HtmlReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Tells offline whether adaptation helps on a stream. */
@Command(
    name = "simulate",
    subcommands = {
      SimulateCompareCommand.class,
      SimulateScenariosCommand.class,
      SimulateLearningCommand.class
    },
    description = {
      "Replays data under drift through a model, once per method, and counts wrong answers. Prints",
      "tables and a verdict, and writes results.json, results.csv and report.html. --domains, --order",
      "and --batch-size take lists: every combination is run, with every seed."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Methods that start calibrated measure the training part of the data, unless --calibration",
      "names a file.",
      "Example: acclimate simulate --model resnet20.onnx --data cifar10:data/cifar10 \\",
      "    --methods \"source,alpha-bn,unmix-tns[momentum=0.5]\" \\",
      "    --corruptions none,gaussian_noise,fog --severity 5 --out results",
      "Example: acclimate simulate --methods source,unmix-tns --sweep unmix-tns.components=4,16,64 \\",
      "    --corruptions all --domains single,continual --order dirichlet,iid --seeds 3",
      "Example: acclimate simulate --methods source,unmix-tns --scenario night-falls"
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
      description =
          "Comma-separated, options in brackets. Companions +tent, +core, +eta and +sar learn scale"
              + " and offset too: unmix-tns[components=16]+tent[learning-rate=0.001]; +supervised"
              + " learns them from labels. Default: ${DEFAULT-VALUE}.")
  private String methods;

  @Option(
      names = "--sweep",
      paramLabel = "SPEC",
      description =
          "Vary an option of a method in --methods: unmix-tns.components=4,16,64 takes the place of"
              + " unmix-tns, ema+tent.tent.steps=1,2 that of ema+tent. Repeat it for every"
              + " combination of several.")
  private List<String> sweeps = List.of();

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "64",
      split = ",",
      description = "Samples a batch. Default: ${DEFAULT-VALUE}.")
  private List<Integer> batchSizes;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Repeat with so many seeds, --seed being the first, and tell mean and spread. With"
              + " --samples each seed takes the next images. Default: ${DEFAULT-VALUE}.")
  private int seeds;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Use N samples of the data a domain, the first ones. Default: all.")
  private @Nullable Integer samples;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description = "Where calibrated methods start, made by calibrate.")
  private @Nullable Path calibration;

  @Option(
      names = "--guard",
      description =
          "Run each method a second time under a guard, and tell how both compare with frozen in"
              + " their worst 1,000 samples.")
  private boolean guard;

  @Option(
      names = "--label-delay",
      paramLabel = "N",
      defaultValue = "" + SimulationOptions.DEFAULT_LABEL_DELAY,
      description =
          "For methods with +supervised: a batch's labels come when N more batches are answered."
              + " Default: ${DEFAULT-VALUE}.")
  private int labelDelay;

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
    // typing errors are told before any data is read
    List<StreamPlan> plans = simulated.plans();
    batchSizes.forEach(SimulationOptions::requireBatchSize);
    List<Integer> sizes = batchSizes.stream().distinct().toList();
    List<Sweep> parsedSweeps = sweeps.stream().map(Sweep::parse).toList();
    List<String> names = Sweep.expand(Method.splitList(methods), parsedSweeps);
    if (seeds < 1) {
      throw new InvalidInputException("--seeds: expected at least 1, found " + seeds);
    }
    SimulationOptions options =
        new SimulationOptions(
            names,
            session.settings(),
            calibration == null ? null : Calibration.read(calibration),
            guard ? GuardPolicy.DEFAULT : null,
            labelDelay);
    DomainKinds kinds = simulated.kinds();
    ImageSet images = plans.get(0).example().apply(kinds);
    requireSamples(images);
    Preprocessing preprocessing = simulated.preprocessing(argument, images);
    OutputFolder folder = OutputFolder.open(out);
    List<Trial> trials = new ArrayList<>();
    StreamProfile profile;
    try (Simulation simulation =
            new Simulation(loaded, preprocessing, options, simulated::sourceImages);
        ProgressBar progress = ProgressBar.on(spec.commandLine().getErr())) {
      for (int i = 0; i < seeds; i++) {
        DomainKinds part = part(kinds, i);
        long seed = simulated.seed() + i;
        for (StreamPlan plan : plans) {
          DomainStream stream = plan.layout().of(part, preprocessing, seed);
          for (int batchSize : sizes) {
            trials.add(
                simulation.run(stream, plan.order(), plan.domains(), batchSize, seed, progress));
          }
        }
      }
      DomainStream first =
          plans.get(0).layout().of(part(kinds, 0), preprocessing, simulated.seed());
      profile = StreamProfile.of(loaded, preprocessing, first, session.settings(), progress);
    }
    SimulationReport report =
        new SimulationReport(model, provenance(loaded, images), trials, parsedSweeps, profile);
    report.write(folder);
    HtmlReport.write(report, folder);
    PrintWriter writer = spec.commandLine().getOut();
    writer.print(report.toText());
    PeakMemory.mebibytes().ifPresent(most -> writer.println("peak memory: " + most + " MiB"));
    writer.println("written: results.json, results.csv and report.html in " + out);
    writer.flush();
    return 0;
  }

  /** What a seed is shown. */
  private DomainKinds part(DomainKinds kinds, int seed) {
    return samples == null ? kinds : kinds.window((long) seed * samples, samples);
  }

  private void requireSamples(ImageSet all) {
    if (samples != null && (samples < 1 || samples > all.size())) {
      throw new InvalidInputException(
          "--samples: expected 1 to " + all.size() + ", found " + samples);
    }
  }

  private Map<String, String> provenance(OnnxModel loaded, ImageSet images) {
    Map<String, String> provenance = new TreeMap<>(simulated.provenance());
    provenance.put("model_digest", loaded.digest());
    provenance.put("samples", Integer.toString(samples == null ? images.size() : samples));
    if (Method.splitList(methods).stream().anyMatch(method -> method.contains("supervised"))) {
      provenance.put("label_delay", Integer.toString(labelDelay));
    }
    provenance.put("version", Acclimate.VERSION);
    provenance.put("command", CommandText.of(spec));
    return provenance;
  }
}
