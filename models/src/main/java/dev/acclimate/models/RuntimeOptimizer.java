package dev.acclimate.models;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What ONNX Runtime makes of a model before it runs it. */
public final class RuntimeOptimizer {
  private RuntimeOptimizer() {}

  /**
   * The model with constants folded and what cancels out removed, in plain ONNX still.
   *
   * @throws InvalidInputException when ONNX Runtime refuses the model
   */
  public static OnnxModel simplify(OnnxModel model) {
    return optimize(model, OrtSession.SessionOptions.OptLevel.BASIC_OPT);
  }

  /**
   * The model in operators of ONNX Runtime's own, for this machine's CPU alone.
   *
   * @throws InvalidInputException when ONNX Runtime refuses the model
   */
  public static OnnxModel forThisMachine(OnnxModel model) {
    return optimize(model, OrtSession.SessionOptions.OptLevel.ALL_OPT);
  }

  private static OnnxModel optimize(OnnxModel model, OrtSession.SessionOptions.OptLevel level) {
    try {
      Path file = Files.createTempFile("acclimate", ".onnx");
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
        options.setOptimizationLevel(level);
        options.setOptimizedModelFilePath(file.toString());
        options.setIntraOpNumThreads(1);
        RuntimeEnvironment.get().createSession(model.toBytes(), options).close();
        return OnnxModel.parse(Files.readAllBytes(file), model.name());
      } catch (OrtException e) {
        throw RuntimeFailure.refused(model, e);
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a temporary file for " + model.name(), e);
    }
  }
}
