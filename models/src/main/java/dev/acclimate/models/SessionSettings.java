package dev.acclimate.models;

/**
 * How a model is run.
 *
 * @param provider what it runs on
 * @param threads threads that share one operator's work, 0 for one per core
 * @param batchSize samples in the batches that have to be fast, 0 where any size is as likely;
 *     others run too
 */
public record SessionSettings(ExecutionProvider provider, int threads, int batchSize) {
  public static final SessionSettings DEFAULT = new SessionSettings(ExecutionProvider.AUTO, 0);

  public SessionSettings {
    if (threads < 0 || threads > 1024) {
      throw new InvalidInputException(
          "threads: expected 0 (one per core) to 1024, found " + threads);
    }
    if (batchSize < 0) {
      throw new InvalidInputException("batch size: expected 0 (any) or more, found " + batchSize);
    }
  }

  /** Settings for batches of any size. */
  public SessionSettings(ExecutionProvider provider, int threads) {
    this(provider, threads, 0);
  }

  /** The same for batches of which most have this size. */
  public SessionSettings forBatchesOf(int samples) {
    return new SessionSettings(provider, threads, samples);
  }
}
