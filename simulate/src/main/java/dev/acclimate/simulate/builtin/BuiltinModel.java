package dev.acclimate.simulate.builtin;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.data.BuiltinImages;
import dev.acclimate.simulate.data.Preprocessing;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The classifier of {@link BuiltinImages} that comes with the project: a ResNet-8 (16, 32 and 64
 * channels; nine BatchNormalization nodes), {@code input} {@code [batch, 3, 32, 32]} to {@code
 * logits} {@code [batch, 10]}.
 *
 * <p>TRAINED_WITH
 */
public final class BuiltinModel {
  private static final String MODEL = "builtin.onnx";
  private static final String PREPROCESSING = "builtin.yaml";

  private BuiltinModel() {}

  /** The model. */
  public static OnnxModel load() {
    return OnnxModel.parse(resource(MODEL), "builtin");
  }

  /** How images become its inputs, and its class names. */
  public static Preprocessing preprocessing() {
    String yaml = new String(resource(PREPROCESSING), StandardCharsets.UTF_8);
    return Preprocessing.parse(yaml, Path.of(PREPROCESSING), BuiltinImages.SHAPE.channels());
  }

  private static byte[] resource(String name) {
    try (InputStream in = BuiltinModel.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + " is missing from this build");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + name + " cannot be read", e);
    }
  }
}
