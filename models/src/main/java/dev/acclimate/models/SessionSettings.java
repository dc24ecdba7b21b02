package dev.acclimate.models;

/**
 * How a model is run.
 *
 * @param provider what it runs on
 * @param threads threads that share one operator's work, 0 for one per core
 */
public record SessionSettings(ExecutionProvider provider, int threads) {
  public static final SessionSettings DEFAULT = new SessionSettings(ExecutionProvider.AUTO, 0);

  public SessionSettings {
    if (threads < 0 || threads > 1024) {
      throw new InvalidInputException(
          "threads: expected 0 (one per core) to 1024, found " + threads);
    }
  }
}
