package dev.acclimate.simulate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a simulated stream was made of, position by position; every method saw the same.
 *
 * <p>Positions count the samples of the whole stream from 0.
 */
public final class StreamLog {

  /**
   * A stretch of the stream.
   *
   * @param name in reports
   * @param from its first position
   * @param to behind its last position
   * @param resetBefore whether the state was reset before it
   */
  public record Stretch(String name, int from, int to, boolean resetBefore) {

    /** True where it holds no sample, as where it is too short for a batch of fixed size. */
    boolean isEmpty() {
      return from == to;
    }
  }

  private final List<Stretch> stretches;
  private final List<String> domains;
  private final int[] domainAt;
  private final int[] samples;
  private final int[] tasks;
  private final boolean[] clean;
  private final int[] labels;
  private final int[] batchStarts;

  private StreamLog(
      List<Stretch> stretches,
      List<String> domains,
      int[] domainAt,
      int[] samples,
      int[] tasks,
      boolean[] clean,
      int[] labels,
      int[] batchStarts) {
    this.stretches = List.copyOf(stretches);
    this.domains = List.copyOf(domains);
    this.domainAt = domainAt;
    this.samples = samples;
    this.tasks = tasks;
    this.clean = clean;
    this.labels = labels;
    this.batchStarts = batchStarts;
  }

  /**
   * The log of a stream as it will be played.
   *
   * @param batchSize where segments ask for none of their own
   * @param wholeBatches leave out the rest of a segment that does not fill a batch
   */
  static StreamLog of(DomainStream stream, int batchSize, boolean wholeBatches) {
    Map<String, Integer> domains = new LinkedHashMap<>();
    List<Stretch> stretches = new ArrayList<>();
    int[] domainAt = new int[Math.toIntExact(stream.size())];
    int[] samples = new int[domainAt.length];
    int[] tasks = new int[domainAt.length];
    boolean[] clean = new boolean[domainAt.length];
    int[] labels = new int[domainAt.length];
    List<Integer> starts = new ArrayList<>();
    int position = 0;
    for (Segment segment : stream.segments()) {
      for (Domain domain : segment.domains()) {
        domains.putIfAbsent(domain.name(), domains.size());
      }
      int first = position;
      int from = 0;
      for (int size : segment.batches(batchSize)) {
        if (wholeBatches && size < batchSize) {
          break;
        }
        starts.add(position);
        for (int i = from; i < from + size; i++) {
          Domain domain = segment.domain(i);
          domainAt[position] = domains.getOrDefault(domain.name(), 0);
          samples[position] = domain.images().origin(segment.sample(i));
          tasks[position] = domain.task();
          clean[position] = domain.clean();
          labels[position++] = segment.label(i);
        }
        from += size;
      }
      stretches.add(new Stretch(segment.name(), first, position, segment.resetBefore()));
    }
    return new StreamLog(
        stretches,
        List.copyOf(domains.keySet()),
        Arrays.copyOf(domainAt, position),
        Arrays.copyOf(samples, position),
        Arrays.copyOf(tasks, position),
        Arrays.copyOf(clean, position),
        Arrays.copyOf(labels, position),
        starts.stream().mapToInt(Integer::intValue).toArray());
  }

  /** Its stretches, in order. */
  public List<Stretch> stretches() {
    return stretches;
  }

  /** The names of its domains, in the order in which segments first name them. */
  public List<String> domains() {
    return domains;
  }

  /** Samples in all. */
  public int size() {
    return labels.length;
  }

  /** The domain at a position, an index into {@link #domains}. */
  public int domain(int position) {
    return domainAt[position];
  }

  /**
   * Which image of the whole data came at a position, as some domain shows it: the same number in
   * the streams of all seeds.
   */
  public int sample(int position) {
    return samples[position];
  }

  /** Which of the stream's different domains came at a position; the same in every round. */
  public int task(int position) {
    return tasks[position];
  }

  /** Whether nothing was done to the sample at a position. */
  public boolean isClean(int position) {
    return clean[position];
  }

  /** The true class at a position. */
  public int label(int position) {
    return labels[position];
  }

  /** The stretch that a position lies in, an index into {@link #stretches}. */
  public int stretch(int position) {
    int low = 0;
    int high = stretches.size() - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (stretches.get(middle).to() <= position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Number of batches. */
  public int batches() {
    return batchStarts.length;
  }

  /** The first position of a batch. */
  public int batchStart(int batch) {
    return batchStarts[batch];
  }

  /** Whether the state is reset before a batch. */
  boolean resetsBefore(int batch) {
    Stretch stretch = stretches.get(stretch(batchStarts[batch]));
    return stretch.resetBefore() && stretch.from() == batchStarts[batch];
  }

  /** Behind the last position of a batch. */
  public int batchEnd(int batch) {
    return batch + 1 < batchStarts.length ? batchStarts[batch + 1] : labels.length;
  }
}
