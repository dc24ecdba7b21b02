package dev.acclimate.models;

import ai.onnxruntime.OrtException;

/** ONNX Runtime could not do what it was asked. */
public final class RuntimeFailure extends RuntimeException {
  RuntimeFailure(String message, Throwable cause) {
    super(message, cause);
  }

  /** The model itself was refused: the user's file is at fault. */
  static InvalidInputException refused(OnnxModel model, OrtException e) {
    return new InvalidInputException(
        model.name() + ": ONNX Runtime refuses the model: " + firstLine(e), e);
  }

  static String firstLine(OrtException e) {
    String message = String.valueOf(e.getMessage()).strip();
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}
