package dev.acclimate.simulate;

import dev.acclimate.simulate.arrivals.ArrivalTimes;
import dev.acclimate.simulate.arrivals.Arrivals;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of a stream: samples in the order of their arrival, each with the domain that it shows.
 * No batch reaches over its ends. Batches are made when asked for, over all cores, and come out the
 * same however often and in whatever pieces they are asked for.
 */
public final class Segment {
  private final String name;
  private final boolean resetBefore;
  private final List<Domain> domains;
  private final int[] domainAt;
  private final int[] samples;
  private final int[] batchSizes;
  private final Preprocessing preprocessing;
  private final double gap;
  private final @Nullable Arrivals arrivals;

  /** A stretch that does not say when its samples arrive. */
  Segment(
      String name,
      boolean resetBefore,
      List<Domain> domains,
      int[] domainAt,
      int[] samples,
      int[] batchSizes,
      Preprocessing preprocessing) {
    this(name, resetBefore, domains, domainAt, samples, batchSizes, preprocessing, 0, null);
  }

  /**
   * A stretch.
   *
   * @param name in reports
   * @param resetBefore whether a model must forget its state before it
   * @param domains that it shows
   * @param domainAt {@code [n]}, for each position an index into {@code domains}
   * @param samples {@code [n]}, for each position an index into the domain's images
   * @param batchSizes the sizes of its batches, again from the start when all have had their turn;
   *     empty for the size that the run asks for
   * @param preprocessing from pixels to what the model reads
   * @param gap seconds without arrivals before it
   * @param arrivals of its samples; null where it does not say
   */
  Segment(
      String name,
      boolean resetBefore,
      List<Domain> domains,
      int[] domainAt,
      int[] samples,
      int[] batchSizes,
      Preprocessing preprocessing,
      double gap,
      @Nullable Arrivals arrivals) {
    this.name = name;
    this.resetBefore = resetBefore;
    this.domains = List.copyOf(domains);
    this.domainAt = domainAt;
    this.samples = samples;
    this.batchSizes = batchSizes;
    this.preprocessing = preprocessing;
    this.gap = gap;
    this.arrivals = arrivals;
  }

  /** A stretch of one domain. */
  static Segment of(Domain domain, boolean resetBefore, int[] samples, Preprocessing wanted) {
    return new Segment(
        domain.name(),
        resetBefore,
        List.of(domain),
        new int[samples.length],
        samples,
        new int[0],
        wanted);
  }

  /** The samples at these positions alone, in this order. */
  Segment only(int... positions) {
    return new Segment(
        name,
        resetBefore,
        domains,
        IntStream.of(positions).map(position -> domainAt[position]).toArray(),
        IntStream.of(positions).map(position -> samples[position]).toArray(),
        batchSizes,
        preprocessing);
  }

  /** Its name in reports. */
  public String name() {
    return name;
  }

  /** Whether a model must forget its state before it. */
  public boolean resetBefore() {
    return resetBefore;
  }

  /** The domains that it shows. */
  public List<Domain> domains() {
    return domains;
  }

  /** True where nothing is done to any of its images. */
  public boolean isClean() {
    return domains.stream().allMatch(Domain::clean);
  }

  /** Number of samples. */
  public int size() {
    return samples.length;
  }

  /** When its samples arrive. */
  public ArrivalTimes.Stretch arrivals() {
    return new ArrivalTimes.Stretch(samples.length, gap, arrivals);
  }

  /** The domain that {@code position} shows. */
  public Domain domain(int position) {
    return domains.get(domainAt[position]);
  }

  /** Which image arrives at {@code position}, an index into the domain's images. */
  public int sample(int position) {
    return samples[position];
  }

  /** The class of the image that arrives at {@code position}. */
  public int label(int position) {
    return domain(position).images().label(samples[position]);
  }

  /**
   * The sizes of its batches in turn, whose sum is {@link #size}.
   *
   * @param wanted where the segment itself asks for none
   */
  public int[] batches(int wanted) {
    IntStream.Builder sizes = IntStream.builder();
    int turn = 0;
    for (int from = 0; from < samples.length; turn++) {
      int next = batchSizes.length == 0 ? wanted : batchSizes[turn % batchSizes.length];
      int size = Math.min(next, samples.length - from);
      sizes.add(size);
      from += size;
    }
    return sizes.build().toArray();
  }

  /** True where it asks for batches of other sizes than {@code wanted}. */
  boolean asksForOtherBatches(int wanted) {
    return IntStream.of(batchSizes).anyMatch(size -> size != wanted);
  }

  /** The largest of its batches. */
  int largestBatch(int wanted) {
    return IntStream.of(batches(wanted)).max().orElse(0);
  }

  /**
   * Makes a batch.
   *
   * @param from position of its first sample
   * @param count at most how many; fewer come where the segment ends
   * @param inputs receives the model inputs {@code [n, C, H, W]} (or {@code [n, H, W, C]}) from
   *     index 0; its position stays
   * @return n, 0 at the end of the segment
   * @throws IllegalArgumentException if the buffer is too small
   */
  public int fill(int from, int count, FloatBuffer inputs) {
    Objects.checkIndex(from, samples.length + 1);
    int n = Math.min(count, samples.length - from);
    if (n == 0) {
      return 0;
    }
    int size = domains.get(0).images().shape().size();
    if (inputs.limit() < (long) n * size) {
      throw new IllegalArgumentException(
          "expected room for %d samples of %d values, found %d values"
              .formatted(n, size, inputs.limit()));
    }
    IntStream.range(0, n)
        .parallel()
        .forEach(
            i -> {
              ImageSet images = domain(from + i).images();
              float[] chw = new float[size];
              images.read(samples[from + i], chw);
              preprocessing.write(chw, images.shape(), inputs, i * size);
            });
    return n;
  }

  @Override
  public String toString() {
    return name + " [" + size() + " samples]";
  }
}
