package dev.acclimate.simulate;

/** Is told how far long work has come. Called often; must return quickly. */
@FunctionalInterface
public interface SimulationProgress {
  /** For those who do not care. */
  SimulationProgress NONE = (task, done, total) -> {};

  /**
   * Some more is done.
   *
   * @param task what is being worked on
   * @param done samples done
   * @param total samples in all
   */
  void update(String task, long done, long total);
}
