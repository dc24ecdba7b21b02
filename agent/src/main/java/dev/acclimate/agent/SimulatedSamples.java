package dev.acclimate.agent;

import dev.acclimate.simulate.DomainStream;
import dev.acclimate.simulate.Segment;
import dev.acclimate.streams.StreamReplay.LabelledSample;
import java.nio.FloatBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * The samples of a simulated stream one by one, dealt in turn to a number of keys. Samples are made
 * a chunk at a time, since corrupting them uses all cores.
 */
final class SimulatedSamples implements Iterator<LabelledSample> {
  private static final int CHUNK = 64;

  private final List<Segment> segments;
  private final List<String> keys;
  private final int size;
  private final FloatBuffer inputs;
  private int segment;
  private int position; // of the chunk within the segment
  private int chunk; // samples in the chunk
  private int next; // within the chunk
  private long count;

  SimulatedSamples(DomainStream stream, List<String> keys) {
    this.segments = stream.segments();
    this.keys = List.copyOf(keys);
    this.size = stream.images().shape().size();
    this.inputs = FloatBuffer.allocate(CHUNK * size);
    advance();
  }

  /** Makes the next chunk when this one is used up. */
  private void advance() {
    while (next == chunk && segment < segments.size()) {
      position += chunk;
      next = 0;
      chunk = segments.get(segment).fill(position, CHUNK, inputs);
      if (chunk == 0) {
        segment++;
        position = 0;
      }
    }
  }

  @Override
  public boolean hasNext() {
    return next < chunk;
  }

  @Override
  public LabelledSample next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    float[] values = new float[size];
    inputs.get(next * size, values);
    String key = keys.get((int) (count++ % keys.size()));
    Segment current = segments.get(segment);
    LabelledSample sample =
        new LabelledSample(
            key, values, current.label(position + next), current.domain(position + next).name());
    next++;
    advance();
    return sample;
  }
}
