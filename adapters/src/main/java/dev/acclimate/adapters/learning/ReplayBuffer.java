package dev.acclimate.adapters.learning;

import dev.acclimate.adapters.Safetensors;
import dev.acclimate.models.ElementType;
import dev.acclimate.models.InvalidInputException;
import dev.acclimate.models.Tensor;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Labelled samples kept from a stream, to be learnt from again beside newer ones.
 *
 * <p>What it holds is a function of the seed and of the samples offered so far, in their order;
 * what is drawn from it, of these and of the draws so far. So a buffer that was saved and read
 * again goes on as if nothing had happened. Memory is taken once, at the start, and never exceeds
 * the budget.
 *
 * <p>Not thread-safe. Closing lets go of the runtime's handles, should there be some.
 */
public final class ReplayBuffer implements AutoCloseable {
  private static final String SAMPLES = "samples";
  private static final String LABELS = "labels";
  private static final String TASKS = "tasks";
  private static final String CLASSES = "classes";
  private static final String POLICY = "policy";
  private static final String SEED = "seed";
  private static final String CAPACITY = "capacity";
  private static final String OFFERED = "offered";
  private static final String DRAWS = "draws";

  /** Any odd number does: paths of one seed then never meet within 2^64 samples. */
  private static final long STRIDE = 0xD1342543DE82EF95L;

  private static final long OFFERS = 0x0FFE4L;
  private static final long DRAWINGS = 0xD4A35L;

  private final ReplayPolicy policy;
  private final long seed;
  private final Tensor samples;
  private final long[] labels;
  private final long[] tasks;
  private final ClassQuota quota;
  private final int sampleSize;
  private int size;
  private long offered;
  private long draws;

  private ReplayBuffer(ReplayPolicy policy, int capacity, long[] sampleShape, long seed) {
    this.policy = policy;
    this.seed = seed;
    long[] shape = new long[sampleShape.length + 1];
    shape[0] = capacity;
    System.arraycopy(sampleShape, 0, shape, 1, sampleShape.length);
    this.samples = Tensor.allocate(ElementType.FP32, shape);
    this.labels = new long[capacity];
    this.tasks = new long[capacity];
    this.quota = new ClassQuota();
    this.sampleSize = Math.toIntExact(Tensor.elements(sampleShape));
  }

  /**
   * An empty buffer.
   *
   * @param budget in bytes, for samples, labels and tasks
   * @param sampleShape of one sample, without the batch axis
   * @param seed of what is kept and what is drawn
   * @throws InvalidInputException when not a single sample fits
   */
  public static ReplayBuffer within(
      long budget, long[] sampleShape, ReplayPolicy policy, long seed) {
    long each = bytesPerSample(sampleShape);
    // a tensor's memory is one buffer, of 2 GiB at most
    long most = Integer.MAX_VALUE / Math.max(1, Tensor.elements(sampleShape) * Float.BYTES);
    long capacity = Math.min(budget / each, most);
    if (capacity < 1) {
      throw new InvalidInputException(
          "replay buffer: expected room for a sample, %d bytes, found a budget of %d bytes"
              .formatted(each, budget));
    }
    return new ReplayBuffer(policy, (int) capacity, sampleShape, seed);
  }

  /** What one sample with its label and task takes. */
  public static long bytesPerSample(long... sampleShape) {
    return Tensor.elements(sampleShape) * Float.BYTES + 2 * Long.BYTES;
  }

  /** How many samples there is room for. */
  public int capacity() {
    return labels.length;
  }

  /** How many samples it holds. */
  public int size() {
    return size;
  }

  /** How many samples it was offered. */
  public long offered() {
    return offered;
  }

  /** The memory that its samples, labels and tasks take, full or not. */
  public long bytes() {
    return samples.elements() * Float.BYTES + 2L * Long.BYTES * capacity();
  }

  /** The class of a kept sample. */
  public long label(int index) {
    return labels[index];
  }

  /** The task of a kept sample. */
  public long task(int index) {
    return tasks[index];
  }

  /**
   * Offers a sample, which the policy keeps or not.
   *
   * @param values row-major, from their position on; the position stays
   * @param label its class
   * @param task its task, 0 where there is one only
   * @return true when it was kept
   */
  public boolean offer(FloatBuffer values, long label, long task) {
    SplittableRandom random = random(OFFERS, offered);
    offered++;
    int place =
        switch (policy) {
          case RESERVOIR -> reservoirPlace(random);
          case CLASS_BALANCED -> quota.place(label, size, capacity(), random);
        };
    if (place < 0) {
      return false;
    }
    size = Math.max(size, place + 1);
    samples.floats().put(place * sampleSize, values, values.position(), sampleSize);
    labels[place] = label;
    tasks[place] = task;
    return true;
  }

  private int reservoirPlace(SplittableRandom random) {
    if (size < capacity()) {
      return size;
    }
    long place = random.nextLong(offered);
    return place < capacity() ? (int) place : -1;
  }

  private SplittableRandom random(long purpose, long number) {
    return new SplittableRandom(seed + (number + purpose * Integer.MAX_VALUE) * STRIDE);
  }

  /**
   * Copies samples drawn without replacement to the rows of a batch.
   *
   * @param count how many, fewer where it does not hold so many
   * @param row the first row to write
   * @return how many were drawn
   */
  public int draw(int count, LabelledBatch batch, int row) {
    int drawn = Math.min(count, size);
    SplittableRandom random = random(DRAWINGS, draws);
    draws++;
    int[] places = new int[size];
    Arrays.setAll(places, i -> i);
    FloatBuffer source = samples.floats();
    for (int i = 0; i < drawn; i++) {
      int other = i + random.nextInt(size - i);
      int place = places[other];
      places[other] = places[i];
      batch.set(row + i, source.position(place * sampleSize), labels[place], tasks[place]);
    }
    return drawn;
  }

  /**
   * Writes what it holds to a safetensors file.
   *
   * @throws InvalidInputException when the file cannot be written
   */
  public void write(Path file) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(SAMPLES, samples.first(size));
    tensors.put(LABELS, integers(Arrays.copyOf(labels, size), size));
    tensors.put(TASKS, integers(Arrays.copyOf(tasks, size), size));
    long[][] classes = quota.table();
    long[] flat = Arrays.stream(classes).flatMapToLong(Arrays::stream).toArray();
    tensors.put(CLASSES, integers(flat, classes.length, ClassQuota.COLUMNS));
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(POLICY, policy.toString());
    metadata.put(SEED, Long.toString(seed));
    metadata.put(CAPACITY, Integer.toString(capacity()));
    metadata.put(OFFERED, Long.toString(offered));
    metadata.put(DRAWS, Long.toString(draws));
    new Safetensors(tensors, metadata).write(file);
  }

  private static Tensor integers(long[] values, long... shape) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, shape);
    tensor.longs().put(values);
    return tensor;
  }

  /**
   * Reads a buffer that was written.
   *
   * @param sampleShape of one sample, as the model takes it
   * @throws InvalidInputException when the file is no buffer, or one of other samples
   */
  public static ReplayBuffer read(Path file, long... sampleShape) {
    Safetensors content = Safetensors.read(file);
    ReplayPolicy policy = ReplayPolicy.parse(content.metadata(POLICY));
    long capacity = number(file, content, CAPACITY);
    Tensor samples = tensor(file, content, SAMPLES, ElementType.FP32);
    long size = samples.rank() == 0 ? -1 : samples.size(0);
    long[] shape = Arrays.copyOfRange(samples.shape(), Math.min(1, samples.rank()), samples.rank());
    if (!Arrays.equals(shape, sampleShape)) {
      throw new InvalidInputException(
          file
              + ": expected samples of shape "
              + Arrays.toString(sampleShape)
              + ", found "
              + Arrays.toString(shape));
    }
    if (size > capacity || capacity < 1 || capacity > Integer.MAX_VALUE || !samples.isFinite()) {
      throw new InvalidInputException(
          file + ": expected up to " + capacity + " finite samples, found " + size);
    }
    ReplayBuffer buffer =
        new ReplayBuffer(policy, (int) capacity, sampleShape, number(file, content, SEED));
    buffer.samples.first(size).set(samples);
    tensor(file, content, LABELS, ElementType.INT64, size)
        .longs()
        .get(buffer.labels, 0, (int) size);
    tensor(file, content, TASKS, ElementType.INT64, size).longs().get(buffer.tasks, 0, (int) size);
    buffer.size = (int) size;
    buffer.offered = number(file, content, OFFERED);
    buffer.draws = number(file, content, DRAWS);
    Tensor classes = tensor(file, content, CLASSES, ElementType.INT64);
    long[] flat = new long[Math.toIntExact(classes.elements())];
    classes.longs().get(flat);
    buffer.quota.restore(flat, buffer.labels, buffer.size);
    return buffer;
  }

  private static Tensor tensor(
      Path file, Safetensors content, String name, ElementType type, long... shape) {
    Tensor tensor = content.tensors().get(name);
    if (tensor == null
        || tensor.type() != type
        || (shape.length > 0 && !Arrays.equals(tensor.shape(), shape))) {
      throw new InvalidInputException(
          "%s: tensor '%s': expected %s%s, found %s"
              .formatted(
                  file, name, type, shape.length > 0 ? " " + Arrays.toString(shape) : "", tensor));
    }
    return tensor;
  }

  private static long number(Path file, Safetensors content, String key) {
    try {
      return Long.parseLong(content.metadata(key));
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          "%s: metadata '%s': expected a number, found '%s'"
              .formatted(file, key, content.metadata(key)),
          e);
    }
  }

  @Override
  public void close() {
    samples.close();
  }
}
