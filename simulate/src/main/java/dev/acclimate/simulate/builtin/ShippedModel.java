package dev.acclimate.simulate.builtin;

import dev.acclimate.models.OnnxModel;
import dev.acclimate.simulate.data.Preprocessing;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A model among this build's resources, with its preprocessing beside it.
 *
 * @param name of both files, without their endings
 */
record ShippedModel(String name) {

  OnnxModel load() {
    return OnnxModel.parse(resource(name + ".onnx"), name);
  }

  Preprocessing preprocessing(int channels) {
    String file = name + ".yaml";
    String yaml = new String(resource(file), StandardCharsets.UTF_8);
    return Preprocessing.parse(yaml, Path.of(file), Preprocessing.identity(channels));
  }

  private static byte[] resource(String name) {
    try (InputStream in = ShippedModel.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + " is missing from this build");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + name + " cannot be read", e);
    }
  }
}
