package dev.acclimate.agent;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.builtin.BuiltinSeriesModel;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.ImageShape;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.training.UntrainedModel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model as commands take it: an ONNX file, {@code builtin} or {@code builtin-series} for those
 * that are shipped, or {@code untrained:224} for a ResNet-20 that knows nothing yet of images of
 * that size, to be timed.
 */
record ModelArgument(String text) {
  static final String BUILTIN = "builtin";
  static final String BUILTIN_SERIES = "builtin-series";
  private static final Pattern UNTRAINED = Pattern.compile("untrained:([1-9]\\d{1,3})");
  private static final int CLASSES = 10;

  /** Where the model is; its YAML file lies beside it. */
  Path file() {
    return Path.of(text);
  }

  /**
   * Reads the model.
   *
   * @throws dev.acclimate.models.InvalidInputException when there is no such file or it is no model
   */
  OnnxModel load() {
    return switch (text) {
      case BUILTIN -> BuiltinModel.load();
      case BUILTIN_SERIES -> BuiltinSeriesModel.load();
      default -> untrained().orElseGet(() -> OnnxModel.read(file()));
    };
  }

  private Optional<OnnxModel> untrained() {
    Matcher untrained = UNTRAINED.matcher(text);
    if (!untrained.matches()) {
      return Optional.empty();
    }
    int side = Integer.parseInt(untrained.group(1));
    return Optional.of(UntrainedModel.RESNET_20.create(new ImageShape(3, side, side), CLASSES, 0));
  }

  /** How the model wants its samples. */
  Preprocessing preprocessing(ImageSet images) {
    return switch (text) {
      case BUILTIN -> BuiltinModel.preprocessing();
      case BUILTIN_SERIES -> BuiltinSeriesModel.preprocessing();
      default -> Preprocessing.forModel(file(), images);
    };
  }
}
