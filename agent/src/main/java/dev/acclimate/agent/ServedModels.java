package dev.acclimate.agent;

import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.agent.admin.Administered;
import dev.acclimate.agent.admin.ModelSignals;
import dev.acclimate.agent.serving.InferenceService;
import dev.acclimate.agent.serving.RequestListener;
import dev.acclimate.models.InvalidInputException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The models that answer over HTTP, as administration sees them. */
final class ServedModels implements Administered, RequestListener {
  private final Agent agent;
  private final Map<String, ModelSignals> signals = new ConcurrentHashMap<>();
  private volatile @Nullable InferenceService service;
  private volatile @Nullable Events events;

  /** Is told what happens to a model. */
  @FunctionalInterface
  interface Events {
    void add(String model, String what, String why);
  }

  ServedModels(Agent agent) {
    this.agent = agent;
  }

  void serveBy(InferenceService inference) {
    service = inference;
  }

  void tell(Events listener) {
    events = listener;
  }

  /** What a model of that name does is told to. */
  ModelSignals listener(String model) {
    return signals.computeIfAbsent(
        model, name -> new ModelSignals((what, why) -> event(name, what, why)));
  }

  private void event(String model, String what, String why) {
    Events current = events;
    if (current != null) {
      current.add(model, what, why);
    }
  }

  @Override
  public List<ServedModel> models() {
    InferenceService current = service;
    return current == null
        ? List.of()
        : current.repository().models().stream()
            .filter(ServedModel.class::isInstance)
            .map(ServedModel.class::cast)
            .toList();
  }

  @Override
  public Optional<ModelSignals> signals(String model) {
    return Optional.ofNullable(signals.get(model));
  }

  @Override
  public int waiting(String model) {
    InferenceService current = service;
    return current == null ? 0 : current.repository().waiting(model);
  }

  @Override
  public CompletableFuture<Void> switchMethod(String model, String method) {
    if (!model.equals(agent.modelName())) {
      return CompletableFuture.failedFuture(
          new InvalidInputException(
              "model '"
                  + model
                  + "': expected the configured model, '"
                  + agent.modelName()
                  + "'; others follow its method when they are loaded anew"));
    }
    return agent.switchMethod(method);
  }

  @Override
  public void answered(String model, long nanos) {
    ModelSignals one = signals.get(model);
    if (one != null) {
      one.done(nanos);
    }
  }

  @Override
  public void refused(String model) {
    ModelSignals one = signals.get(model);
    if (one != null) {
      one.refused();
    }
  }
}
