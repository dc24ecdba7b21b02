package dev.acclimate.models;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process's one ONNX Runtime environment, which tells no one about its use. */
final class RuntimeEnvironment {
  private static final Logger log = LoggerFactory.getLogger(RuntimeEnvironment.class);
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
    keepUntilTheProcessIsGone();
    return environment;
  }

  /**
   * The Java binding closes the environment in a shutdown hook, while hooks of ours let the batch
   * in hand be answered: it would run on freed memory. The native environment counts its owners and
   * the binding has no call to become one, hence its private one is called.
   */
  private static void keepUntilTheProcessIsGone() {
    try {
      Field api = Class.forName("ai.onnxruntime.OnnxRuntime").getDeclaredField("ortApiHandle");
      Method create =
          OrtEnvironment.class.getDeclaredMethod(
              "createHandle", long.class, int.class, String.class);
      api.setAccessible(true);
      create.setAccessible(true);
      create.invoke(
          null,
          api.getLong(null),
          OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING.getValue(),
          OrtEnvironment.DEFAULT_NAME);
    } catch (ReflectiveOperationException | RuntimeException e) {
      log.warn("ONNX Runtime may close before the last batch is answered", e);
    }
  }
}
