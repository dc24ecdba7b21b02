package dev.acclimate.agent.admin;

import dev.acclimate.adapters.serving.ServedModel;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The models that are administered; they come and go. */
public interface Administered {
  /** The models that answer now. */
  List<ServedModel> models();

  /** What that model did; empty where it is gone. */
  Optional<ModelSignals> signals(String model);

  /** Requests that wait for that model. */
  int waiting(String model);

  /**
   * Goes on under another method, from its start.
   *
   * @return done when answers come from it; exceptionally, with an {@link
   *     dev.acclimate.models.InvalidInputException}, where the model cannot have it
   */
  CompletableFuture<Void> switchMethod(String model, String method);
}
