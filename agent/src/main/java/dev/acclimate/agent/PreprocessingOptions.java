package dev.acclimate.agent;

import dev.acclimate.models.InvalidInputException;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How pixels become a model's inputs, as commands take it. */
final class PreprocessingOptions {

  @Option(
      names = "--mean",
      paramLabel = "LIST",
      description =
          "Channel means of pixels in 0..1, with --std. Default: what the YAML file beside the"
              + " model says, else ImageNet's 0.485,0.456,0.406.")
  private @Nullable String mean;

  @Option(
      names = "--std",
      paramLabel = "LIST",
      description = "Channel standard deviations. Default: likewise, 0.229,0.224,0.225.")
  private @Nullable String std;

  /** The flags over what the model says. */
  Preprocessing of(ModelArgument model, ImageSet images) {
    Preprocessing beside = model.preprocessing(images);
    if (mean == null && std == null) {
      return beside;
    }
    if (mean == null || std == null) {
      throw new InvalidInputException("--mean and --std: expected both or none, found one of them");
    }
    return beside.withStatistics(
        Preprocessing.parseNumbers("--mean", mean), Preprocessing.parseNumbers("--std", std));
  }
}
