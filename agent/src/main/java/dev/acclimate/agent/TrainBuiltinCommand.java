package dev.acclimate.agent;

import dev.acclimate.simulate.training.BuiltinModelTraining;
import dev.acclimate.simulate.training.BuiltinModelTraining.Settings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains the model that is shipped. */
@Command(
    name = "train-builtin",
    description =
        "Trains the builtin model on the builtin images; the defaults made the shipped one.",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: acclimate train-builtin --out builtin.onnx"})
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class TrainBuiltinCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The trained model.")
  private Path out;

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the images.")
  private int epochs = Settings.DEFAULT.epochs();

  @Option(names = "--images", paramLabel = "N", description = "How many to train on.")
  private int images = Settings.DEFAULT.images();

  @Option(names = "--seed", paramLabel = "N", description = "Of weights, order and augmentation.")
  private long seed = Settings.DEFAULT.seed();

  @Override
  public Integer call() {
    Settings settings = Settings.DEFAULT.withEpochs(epochs).withImages(images).withSeed(seed);
    PrintWriter err = spec.commandLine().getErr();
    BuiltinModelTraining.Result result =
        BuiltinModelTraining.run(
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
            "%s: %.2f %% right on clean test images, trained in %.0f s",
            out,
            100 * result.accuracy(),
            result.seconds()));
    writer.flush();
    return 0;
  }
}
