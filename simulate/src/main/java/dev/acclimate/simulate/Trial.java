package dev.acclimate.simulate;

import java.util.List;

/**
 * One stream and what every method made of it.
 *
 * @param order of samples within a domain
 * @param domains how domains follow one another, or the scenario's name
 * @param batchSize samples a batch, where segments ask for none of their own
 * @param seed of stream and starts
 * @param log what came when
 * @param frozen the untouched model's answers; one of {@code runs} where it was asked for
 * @param runs one a method, in the order asked for
 */
public record Trial(
    String order,
    String domains,
    int batchSize,
    long seed,
    StreamLog log,
    MethodRun frozen,
    List<MethodRun> runs) {

  public Trial {
    runs = List.copyOf(runs);
  }

  /** What the untouched model's answers are worth. */
  StreamMetrics frozenMetrics() {
    return StreamMetrics.of(log, frozen.answers(), frozen.answers());
  }
}
