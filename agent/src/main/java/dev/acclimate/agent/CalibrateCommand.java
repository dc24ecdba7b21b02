package dev.acclimate.agent;

import dev.acclimate.adapters.Calibration;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.SourceCalibration;
import dev.acclimate.simulate.data.DataSpec;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.data.Split;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures source samples at a model's sites. */
@Command(
    name = "calibrate",
    description = {
      "Runs source samples through a model and clusters their statistics at each site, for",
      "unmix-tns[init=calibrated]: by class where there are as many components as classes, else by",
      "k-means. Takes the training part of the data where there is one."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: acclimate calibrate resnet20.onnx --data cifar10:data/cifar10 \\",
      "    --components 10 --out resnet20-calibration.safetensors"
    })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class CalibrateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or builtin.")
  private String model;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "SPEC",
      description = "Source samples: " + DataSpec.KNOWN + ".")
  private String data;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The calibration.")
  private Path out;

  @Option(
      names = "--components",
      paramLabel = "K",
      description = "Clusters at each site. Default: one a class.")
  private @Nullable Integer components;

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "" + SourceCalibration.DEFAULT_SAMPLES,
      description = "At most so many. Default: ${DEFAULT-VALUE}.")
  private int samples;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the draw and the clustering. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Mixin private PreprocessingOptions preprocessing;

  @Mixin private SessionOptions session;

  @Override
  public Integer call() {
    ModelArgument argument = new ModelArgument(model);
    OnnxModel loaded = argument.load();
    ImageSet images = DataSpec.parse(data).load(Split.TRAIN);
    Preprocessing wanted = preprocessing.of(argument, images);
    int clusters =
        components == null ? (int) Arrays.stream(images.labels()).distinct().count() : components;
    if (clusters < 1 || samples < clusters) {
      throw new InvalidInputException(
          "--components: expected 1 to --samples (" + samples + "), found " + clusters);
    }
    try (ProgressBar progress = ProgressBar.on(spec.commandLine().getErr());
        SourceCalibration source =
            SourceCalibration.measure(
                loaded, images, wanted, samples, seed, session.settings(), progress)) {
      Calibration calibration = source.cluster(clusters, seed);
      calibration.write(out);
      PrintWriter writer = spec.commandLine().getOut();
      writer.println(
          "%s: %d components a site, from %s"
              .formatted(out, calibration.components(), calibration.provenance()));
      writer.flush();
    }
    return 0;
  }
}
