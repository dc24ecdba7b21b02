package dev.acclimate.agent;

import dev.acclimate.adapters.AdaptationState;
import dev.acclimate.adapters.AdaptedModel;
import dev.acclimate.adapters.AdaptiveModel;
import dev.acclimate.adapters.Calibration;
import dev.acclimate.adapters.Method;
import dev.acclimate.adapters.guard.GuardPolicy;
import dev.acclimate.adapters.guard.Scores;
import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.adapters.serving.ServingListener;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.streams.BatchModel;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the model that a configuration names; tests put models that need no file in its place. */
@FunctionalInterface
public interface ModelOpener {
  Logger log = LoggerFactory.getLogger(ModelOpener.class);

  /**
   * Opens a model.
   *
   * @param batchSize samples in the batches that have to be fast
   * @throws dev.acclimate.models.InvalidInputException when the model, its method or its state does
   *     not fit
   */
  Opened open(AgentConfig.Model model, int batchSize);

  /** Lets a model that was opened answer over HTTP; closing what it gives closes the model. */
  @FunctionalInterface
  interface Serving {
    /**
     * Serves the model.
     *
     * @throws InvalidInputException when a guard that was asked for cannot watch it
     */
    ServedModel serve(ServingListener listener);
  }

  /**
   * A model that was opened.
   *
   * @param model answers
   * @param resource is closed when the model is no longer needed
   * @param serving lets the model answer over HTTP; null where none can
   */
  record Opened(BatchModel model, AutoCloseable resource, @Nullable Serving serving) {
    /** A model for streams. */
    Opened(BatchModel model, AutoCloseable resource) {
      this(model, resource, null);
    }
  }

  /** Rewrites the configured ONNX file for its method and loads it. */
  static Opened adaptive(AgentConfig.Model config, int batchSize) {
    Method method = Method.parse(config.method());
    AdaptedModel adapted =
        named("model", () -> AdaptedModel.adapt(OnnxModel.read(config.file()), method));
    AdaptationState state = state(config, adapted);
    SessionSettings settings = new SessionSettings(config.provider(), config.threads(), batchSize);
    AdaptiveModel model = named("model", () -> AdaptiveModel.open(adapted, state, settings));
    if (config.answers().guard().watches() && !model.adapts()) {
      log.info(
          "{}: nothing to guard, since method {} leaves the model as it is",
          config.name(),
          config.method());
    }
    return new Opened(
        BatchModel.of(model, config.answers().mode(), config.answers().guard()),
        model,
        listener -> serve(model, config, listener));
  }

  private static ServedModel serve(
      AdaptiveModel model, AgentConfig.Model config, ServingListener listener) {
    if (model.lessons().isPresent()) {
      throw new InvalidInputException(
          "method: expected one that learns without labels for requests over HTTP, where labels"
              + " do not teach yet; found "
              + config.method());
    }
    AgentConfig.Answers answers = config.answers();
    GuardPolicy guard = answers.guard();
    if (guard.equals(GuardPolicy.DEFAULT) && !Scores.areIn(model.outputs())) {
      log.warn(
          "{}: no class scores among its outputs, so that no guard can watch it", config.name());
      guard = GuardPolicy.NONE;
    }
    return ServedModel.of(model, config.name(), config.version(), answers.mode(), guard, listener);
  }

  private static AdaptationState state(AgentConfig.Model config, AdaptedModel adapted) {
    Path file = config.state();
    if (file != null) {
      return named("state", () -> AdaptationState.read(file, adapted));
    }
    return named(
        "calibration",
        () -> {
          Calibration calibration =
              config.calibration() == null ? null : Calibration.read(config.calibration());
          return adapted.initialState(config.seed(), calibration);
        });
  }

  private static <T> T named(String key, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (InvalidInputException e) {
      throw new InvalidInputException(key + ": " + e.getMessage(), e);
    }
  }
}
