package dev.acclimate.agent;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.builtin.BuiltinSeriesModel;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.nio.file.Path;

/**
 * A model as commands take it: an ONNX file, or {@code builtin} or {@code builtin-series} for those
 * that are shipped.
 */
record ModelArgument(String text) {
  static final String BUILTIN = "builtin";
  static final String BUILTIN_SERIES = "builtin-series";

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
      default -> OnnxModel.read(file());
    };
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
