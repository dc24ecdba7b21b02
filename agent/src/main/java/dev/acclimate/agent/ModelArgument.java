package dev.acclimate.agent;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.builtin.BuiltinModel;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.nio.file.Path;

/** A model as commands take it: an ONNX file, or {@code builtin} for the one that is shipped. */
record ModelArgument(String text) {
  static final String BUILTIN = "builtin";

  private boolean isBuiltin() {
    return text.equals(BUILTIN);
  }

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
    return isBuiltin() ? BuiltinModel.load() : OnnxModel.read(file());
  }

  /** How the model wants its images. */
  Preprocessing preprocessing(ImageSet images) {
    return isBuiltin() ? BuiltinModel.preprocessing() : Preprocessing.forModel(file(), images);
  }
}
