package dev.acclimate.agent.demo;

import dev.acclimate.streams.StreamReplay.LabelledSample;
import java.util.Iterator;
import java.util.function.LongSupplier;

/**
 * Holds samples back while too many are on their way. Making samples takes all cores: sent all at
 * once they would take them from the models first, and the broker would hold the whole stream.
 */
final class PacedSamples implements Iterator<LabelledSample> {
  private static final long PAUSE_MILLIS = 2;

  private final Iterator<LabelledSample> samples;
  private final LongSupplier passed;
  private final int most;
  private long sent;

  /**
   * Paces samples.
   *
   * @param passed how many samples are through
   * @param most samples on their way
   */
  PacedSamples(Iterator<LabelledSample> samples, LongSupplier passed, int most) {
    this.samples = samples;
    this.passed = passed;
    this.most = most;
  }

  @Override
  public boolean hasNext() {
    return samples.hasNext();
  }

  /** The next sample; at once when the thread is interrupted. */
  @Override
  public LabelledSample next() {
    while (sent - passed.getAsLong() >= most && !Thread.currentThread().isInterrupted()) {
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    sent++;
    return samples.next();
  }
}
