package dev.acclimate.agent;

import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.ReplayPolicy;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.gradients.Adam;
import dev.acclimate.models.gradients.Optimizer;
import dev.acclimate.models.gradients.Sgd;
import dev.acclimate.simulate.OutputFolder;
import dev.acclimate.simulate.continual.ContinualOptions;
import dev.acclimate.simulate.continual.ContinualReport;
import dev.acclimate.simulate.continual.ContinualRun;
import dev.acclimate.simulate.continual.ContinualScenario;
import dev.acclimate.simulate.continual.LearningTask;
import dev.acclimate.simulate.corruptions.Corruption;
import dev.acclimate.simulate.corruptions.Family;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.data.Split;
import dev.acclimate.simulate.report.ContinualPage;
import dev.acclimate.simulate.training.UntrainedModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Learns task after task from labels and tells what is kept. */
@Command(
    name = "learning",
    description = {
      "Learns tasks one after another from labelled samples, with replay, once per method and seed.",
      "Prints average accuracy, forgetting and transfer, and writes results.json and report.html."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Methods: bn or adab2n[kappa=0.5;lambda=0.1;slots=16], each with or without +nap[every=1].",
      "Example: acclimate simulate learning --model resnet-20 --data cifar10:data/cifar10 \\",
      "    --scenario class --tasks 5 --buffer 500 --methods bn,adab2n --seeds 3 --out continual",
      "Example: acclimate simulate learning --model mlp --scenario relabelled --tasks 50 \\",
      "    --buffer 0 --methods bn,bn+nap --samples 1000 --epochs 2 --out plasticity"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SimulateLearningCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "M",
      defaultValue = "resnet-small",
      description =
          "resnet-small, resnet-20 or mlp, untrained; an ONNX file or builtin goes on from what it"
              + " knows. Default: ${DEFAULT-VALUE}.")
  private String model;

  @Option(
      names = "--data",
      paramLabel = "SPEC",
      defaultValue = "builtin",
      description = "Images, with a training part: " + DataSpec.KNOWN + ".")
  private String data;

  @Option(
      names = "--scenario",
      paramLabel = "S",
      defaultValue = "class",
      description =
          "How tasks differ: class (each has its own), domain (a corruption each), permuted (order"
              + " of pixels) or relabelled. Default: ${DEFAULT-VALUE}.")
  private String scenario;

  @Option(
      names = "--tasks",
      paramLabel = "N",
      defaultValue = "5",
      description = "Default: ${DEFAULT-VALUE}.")
  private int tasks;

  @Option(
      names = "--methods",
      paramLabel = "LIST",
      defaultValue = "bn,adab2n",
      description = "Comma-separated. Default: ${DEFAULT-VALUE}.")
  private String methods;

  @Option(
      names = "--corruptions",
      paramLabel = "LIST",
      defaultValue = "none,gaussian_noise,contrast,fog,pixelate",
      description = "What --scenario domain goes through. Default: ${DEFAULT-VALUE}.")
  private String corruptions;

  @Option(
      names = "--severity",
      paramLabel = "N",
      defaultValue = "5",
      description = "Of the corruptions, 1 to 5. Default: ${DEFAULT-VALUE}.")
  private int severity;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Samples to learn from a task. Default: an equal share of all.")
  private @Nullable Integer samples;

  @Option(
      names = "--test-samples",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Samples to judge a task by, at most. Default: ${DEFAULT-VALUE}.")
  private int testSamples;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "10",
      description = "Samples of the stream a step. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "1",
      description = "Passes over a task; 1 is online. Default: ${DEFAULT-VALUE}.")
  private int epochs;

  @Option(
      names = "--buffer",
      paramLabel = "N",
      defaultValue = "500",
      description = "Samples kept for replay, 0 for none. Default: ${DEFAULT-VALUE}.")
  private int buffer;

  @Option(
      names = "--policy",
      paramLabel = "P",
      defaultValue = "reservoir",
      description =
          "Which samples are kept: reservoir or class-balanced. Default: ${DEFAULT-VALUE}.")
  private String policy;

  @Option(
      names = "--replay",
      paramLabel = "N",
      defaultValue = "32",
      description = "Samples of the buffer a step. Default: ${DEFAULT-VALUE}.")
  private int replay;

  @Option(
      names = "--optimizer",
      paramLabel = "O",
      defaultValue = "sgd",
      description = "sgd, or adam. Default: ${DEFAULT-VALUE}.")
  private String optimizer;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      defaultValue = "0",
      description = "Of sgd. Default: ${DEFAULT-VALUE}.")
  private double momentum;

  @Option(
      names = "--rate",
      paramLabel = "R",
      defaultValue = "0.03",
      description = "Learning rate. Default: ${DEFAULT-VALUE}.")
  private double rate;

  @Option(
      names = "--schedule",
      paramLabel = "S",
      defaultValue = "constant",
      description = "Of the rate: constant or cosine. Default: ${DEFAULT-VALUE}.")
  private String schedule;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "0",
      description = "Steps until the rate is reached. Default: ${DEFAULT-VALUE}.")
  private int warmUp;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "1",
      description = "Repeat with so many seeds, --seed being the first. Default: ${DEFAULT-VALUE}.")
  private int seeds;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of everything random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "results",
      description = "Folder of results.json and report.html. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Mixin private PreprocessingOptions preprocessing;

  @Override
  public Integer call() {
    ContinualScenario kind = ContinualScenario.parse(scenario);
    List<LearningMethod> learning =
        Method.splitList(methods).stream().map(LearningMethod::parse).toList();
    ContinualOptions options =
        new ContinualOptions(
            batchSize,
            epochs,
            buffer,
            ReplayPolicy.parse(policy),
            replay,
            optimizer(),
            rate,
            LearningRate.Schedule.parse(schedule),
            warmUp);
    requirePositive("--seeds", seeds);
    requirePositive("--test-samples", testSamples);
    requirePositive("--samples", samples == null ? 1 : samples);
    List<Shift> domains = Shift.all(Corruption.parseList(corruptions, Family.IMAGE), severity);
    DataSpec source = DataSpec.parse(data);
    ImageSet train = SimulatedStreamOptions.sourceImages(data, source);
    ImageSet test = source.load(Split.TEST);
    OutputFolder folder = OutputFolder.open(out);
    PrintWriter err = spec.commandLine().getErr();
    List<ContinualRun.Result> results = new ArrayList<>();
    List<String> names = List.of();
    for (long one = seed; one < seed + seeds; one++) {
      List<LearningTask> made =
          kind.tasks(
              train,
              test,
              tasks,
              samples == null ? Integer.MAX_VALUE : samples,
              testSamples,
              domains,
              one);
      names = made.stream().map(LearningTask::name).toList();
      for (LearningMethod method : learning) {
        try (ContinualRun run =
            new ContinualRun(
                start(train, one),
                method,
                made,
                preprocessing(train),
                options,
                kind.forgetsByDesign(),
                one)) {
          results.add(
              run.run(
                  line -> {
                    err.println(line);
                    err.flush();
                  }));
        }
      }
    }
    ContinualReport report = new ContinualReport(kind, names, provenance(train), results);
    report.write(folder);
    ContinualPage.write(report, folder);
    PrintWriter writer = spec.commandLine().getOut();
    writer.print(report.toText());
    writer.println();
    writer.println("written: results.json and report.html in " + out);
    writer.flush();
    return 0;
  }

  private static void requirePositive(String option, int value) {
    if (value < 1) {
      throw new InvalidInputException(option + ": expected at least 1, found " + value);
    }
  }

  private Optimizer optimizer() {
    return switch (optimizer) {
      case "sgd" -> Sgd.withMomentum(momentum);
      case "adam" -> Adam.standard();
      default ->
          throw new InvalidInputException("--optimizer: expected sgd or adam, found " + optimizer);
    };
  }

  /** The model before the first task. */
  private OnnxModel start(ImageSet images, long of) {
    Optional<UntrainedModel> untrained = UntrainedModel.named(model);
    return untrained.isPresent()
        ? untrained.get().create(images.shape(), images.classes().size(), of)
        : new ModelArgument(model).load();
  }

  /** What is untrained has its inputs standardized by the training part's own statistics. */
  private Preprocessing preprocessing(ImageSet images) {
    if (UntrainedModel.named(model).isEmpty()) {
      return preprocessing.of(new ModelArgument(model), images).on(images);
    }
    return Preprocessing.identity(images.channels())
        .withStatistics(images.statistics().means(), images.statistics().deviations())
        .on(images);
  }

  private Map<String, String> provenance(ImageSet train) {
    Map<String, String> provenance = new TreeMap<>();
    provenance.put("model", model);
    provenance.put("data", data);
    provenance.put("training_samples", Integer.toString(train.size()));
    provenance.put("version", Acclimate.VERSION);
    provenance.put("command", CommandText.of(spec));
    return provenance;
  }
}
