package dev.acclimate.agent;

import dev.acclimate.adapters.serving.ServedModel;
import dev.acclimate.agent.admin.Administered;
import dev.acclimate.agent.admin.ModelEvents;
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
  private final ServingMeters meters;
  private volatile @Nullable ModelEvents events;

  ServedModels(Agent agent, ServingMeters meters) {
    this.agent = agent;
    this.meters = meters;
  }

  void serveBy(InferenceService inference) {
    service = inference;
    meters.inHand(inference::requestsInHand, inference::bytesInHand);
    inference.repository().onGone(this::forget);
  }

  private void forget(String model) {
    signals.remove(model);
    meters.remove(model);
    ModelEvents current = events;
    if (current != null) {
      current.gone(model);
    }
  }

  void tell(ModelEvents listener) {
    events = listener;
  }

  /** What a model of that name does is told to. */
  ModelSignals listener(String model) {
    meters.add(model);
    return signals.computeIfAbsent(
        model,
        name ->
            new ModelSignals(
                (what, why) -> event(name, what, why), event -> meters.count(name, event)));
  }

  private void event(String model, String what, String why) {
    ModelEvents current = events;
    if (current != null) {
      current.event(model, what, why);
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
