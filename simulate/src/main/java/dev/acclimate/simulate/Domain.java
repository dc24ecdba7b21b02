package dev.acclimate.simulate;

import dev.acclimate.simulate.corruptions.Corrupter;
import dev.acclimate.simulate.corruptions.Shift;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import java.nio.FloatBuffer;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * The samples of one domain in the order of their arrival. Batches are made when asked for, over
 * all cores, and come out the same however often and in whatever pieces they are asked for.
 */
public final class Domain {

  private final ImageSet images;
  private final Preprocessing preprocessing;
  private final Corrupter corrupter;
  private final int[] samples;
  private final boolean resetBefore;
  private final int task;
  private final int round;

  Domain(
      ImageSet images,
      Preprocessing preprocessing,
      Corrupter corrupter,
      int[] samples,
      boolean resetBefore,
      int task,
      int round) {
    this.images = images;
    this.preprocessing = preprocessing;
    this.corrupter = corrupter;
    this.samples = samples;
    this.resetBefore = resetBefore;
    this.task = task;
    this.round = round;
  }

  /** The name in reports: the corruption's, with the round from the second on. */
  public String name() {
    String corruption = shift().corruption().id();
    return round == 1 ? corruption : corruption + " (" + round + ")";
  }

  /** Which of the stream's different domains this is, from 0; the same in every round. */
  public int task() {
    return task;
  }

  /** What is done to the images. */
  public Shift shift() {
    return corrupter.shifts().get(0);
  }

  /** Whether a model must forget its state before this domain. */
  public boolean resetBefore() {
    return resetBefore;
  }

  /** Number of samples. */
  public int size() {
    return samples.length;
  }

  /** Which image arrives at {@code position}, an index into the set. */
  public int sample(int position) {
    return samples[position];
  }

  /** The class of the image that arrives at {@code position}. */
  public int label(int position) {
    return images.label(samples[position]);
  }

  /**
   * Makes a batch.
   *
   * @param from position of its first sample
   * @param count at most how many; fewer come where the domain ends
   * @param inputs receives the model inputs {@code [n, C, H, W]} (or {@code [n, H, W, C]}) from
   *     index 0; its position stays
   * @param labels receives the classes {@code [n]} from index 0
   * @return n, 0 at the end of the domain
   * @throws IllegalArgumentException if the buffer or the array is too small
   */
  public int fill(int from, int count, FloatBuffer inputs, int[] labels) {
    Objects.checkIndex(from, samples.length + 1);
    int n = Math.min(count, samples.length - from);
    int size = images.shape().size();
    if (inputs.limit() < (long) n * size || labels.length < n) {
      throw new IllegalArgumentException(
          "expected room for %d samples of %d values, found %d values and %d labels"
              .formatted(n, size, inputs.limit(), labels.length));
    }
    IntStream.range(0, n)
        .parallel()
        .forEach(
            i -> {
              int sample = samples[from + i];
              float[] chw = new float[size];
              images.read(sample, chw);
              corrupter.corrupt(sample, chw);
              preprocessing.write(chw, images.shape(), inputs, i * size);
              labels[i] = images.label(sample);
            });
    return n;
  }

  @Override
  public String toString() {
    return shift() + " [" + size() + " samples]";
  }
}
