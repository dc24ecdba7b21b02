package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.training.BuiltinModelTraining;
import dev.acclimate.simulate.training.BuiltinModelTraining.Kind;
import dev.acclimate.simulate.training.BuiltinModelTraining.Settings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains the models that are shipped. */
@Command(
    name = "train-builtin",
    description = "Trains a builtin model on the builtin data; the defaults made the shipped ones.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate train-builtin --out builtin.onnx"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class TrainBuiltinCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The trained model.")
  private Path out;

  @Option(
      names = "--kind",
      paramLabel = "K",
      defaultValue = "images",
      description = "images or series. Default: ${DEFAULT-VALUE}.")
  private String kind;

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the samples.")
  private @Nullable Integer epochs;

  @Option(names = "--images", paramLabel = "N", description = "How many samples to train on.")
  private @Nullable Integer images;

  @Option(names = "--seed", paramLabel = "N", description = "Of weights, order and augmentation.")
  private @Nullable Long seed;

  @Override
  public Integer call() {
    Kind trained = kind();
    Settings settings = trained.settings();
    settings = epochs == null ? settings : settings.withEpochs(epochs);
    settings = images == null ? settings : settings.withImages(images);
    settings = seed == null ? settings : settings.withSeed(seed);
    PrintWriter err = spec.commandLine().getErr();
    BuiltinModelTraining.Result result =
        BuiltinModelTraining.run(
            trained,
            settings,
            epoch -> {
              err.println(epoch);
              err.flush();
            });
    result.write(out);
    PrintWriter writer = spec.commandLine().getOut();
    writer.println(
        String.format(
            Locale.ROOT,
            "%s: %.2f %% right on clean test samples, trained in %.0f s",
            out,
            100 * result.accuracy(),
            result.seconds()));
    writer.flush();
    return 0;
  }

  private Kind kind() {
    return switch (kind) {
      case "images" -> Kind.IMAGES;
      case "series" -> Kind.SERIES;
      default ->
          throw new InvalidInputException("--kind: expected images or series, found " + kind);
    };
  }
}
