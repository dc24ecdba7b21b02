package dev.acclimate.models;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;

/** The process's one ONNX Runtime environment, which tells no one about its use. */
final class RuntimeEnvironment {
  private static final OrtEnvironment INSTANCE = open();

  private RuntimeEnvironment() {}

  static OrtEnvironment get() {
    return INSTANCE;
  }

  private static OrtEnvironment open() {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try {
      environment.setTelemetry(false);
    } catch (OrtException e) {
      throw new RuntimeFailure("ONNX Runtime's telemetry cannot be switched off", e);
    }
    return environment;
  }
}
