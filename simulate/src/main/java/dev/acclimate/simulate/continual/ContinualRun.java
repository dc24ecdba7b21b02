package dev.acclimate.simulate.continual;

import dev.acclimate.adapters.learning.LabelledBatch;
import dev.acclimate.adapters.learning.LayerProbe;
import dev.acclimate.adapters.learning.Learner;
import dev.acclimate.adapters.learning.LearningGraph;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningSettings;
import dev.acclimate.adapters.learning.ReplayBuffer;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import dev.acclimate.simulate.training.Accuracy;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One method learns the tasks of a scenario one after another: from each batch of the stream
 * together with samples drawn from the buffer, which then is offered that batch. One thread, so
 * that the same seed gives the same result. Not thread-safe.
 */
public final class ContinualRun implements AutoCloseable {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);

  /** Test samples that layers are looked at with. */
  private static final int PROBED = 100;

  private final LearningMethod method;
  private final List<LearningTask> tasks;
  private final ContinualOptions options;
  private final Preprocessing preprocessing;
  private final long seed;
  private final boolean newestOnly;
  private final int stepSize;
  private final LearningGraph graph;
  private final Learner learner;
  private final LayerProbe probe;
  private final @Nullable ReplayBuffer buffer;
  private final LabelledBatch batch;
  private final LabelledBatch testBatch;
  private final float[] chw;

  /**
   * What a run came to.
   *
   * @param method as written
   * @param seed of everything random
   * @param accuracies by task; off the diagonal NaN where only the newest was judged
   * @param layers after each task
   * @param rejected steps that were not finite
   * @param seconds it took
   */
  public record Result(
      String method,
      long seed,
      AccuracyMatrix accuracies,
      List<Layers> layers,
      long rejected,
      double seconds) {}

  /**
   * The state of the layers after a task.
   *
   * @param weights of each layer
   * @param dormant fraction of units without any activation on test samples, mean over layers
   */
  public record Layers(List<LearningGraph.LayerNorm> weights, double dormant) {
    /** Root of the summed squares of hidden weights. */
    public double hiddenNorm() {
      return Math.sqrt(
          weights.stream()
              .filter(layer -> !layer.output())
              .mapToDouble(layer -> layer.norm() * layer.norm())
              .sum());
    }

    /** Mean effective learning rate of hidden layers. */
    public double effectiveRate() {
      return weights.stream()
          .filter(layer -> !layer.output())
          .mapToDouble(LearningGraph.LayerNorm::effectiveRate)
          .average()
          .orElse(0);
    }
  }

  /**
   * Prepares a run.
   *
   * @param model where it begins
   * @param newestOnly true to judge each task only when it is new
   */
  public ContinualRun(
      OnnxModel model,
      LearningMethod method,
      List<LearningTask> tasks,
      Preprocessing preprocessing,
      ContinualOptions options,
      boolean newestOnly,
      long seed) {
    this.method = method;
    this.tasks = tasks;
    this.options = options;
    this.preprocessing = preprocessing;
    this.seed = seed;
    this.newestOnly = newestOnly;
    this.graph =
        LearningGraph.of(
            model,
            new LearningSettings(
                method, options.optimizer(), options.rate(steps()), ParameterSet.all(), 0));
    this.stepSize = options.batchSize() + (options.buffer() == 0 ? 0 : options.replay());
    this.learner = Learner.open(graph, graph.start(), ONE_THREAD.forBatchesOf(stepSize));
    this.probe = LayerProbe.open(graph, ONE_THREAD);
    long[] sample =
        model.inputs().get(0).dimensions().stream().skip(1).mapToLong(Dimension::size).toArray();
    this.buffer =
        options.buffer() == 0
            ? null
            : ReplayBuffer.within(
                options.buffer() * ReplayBuffer.bytesPerSample(sample),
                sample,
                options.policy(),
                seed);
    this.batch = new LabelledBatch(stepSize, sample);
    this.testBatch = new LabelledBatch(Math.max(stepSize, PROBED), sample);
    this.chw = new float[tasks.get(0).train().shape().size()];
  }

  private long steps() {
    return tasks.stream()
        .mapToLong(task -> (long) options.epochs() * (task.train().size() / options.batchSize()))
        .sum();
  }

  /** Learns all tasks. */
  public Result run(Consumer<String> progress) {
    long start = System.nanoTime();
    int count = tasks.size();
    double[] before = new double[count];
    double[][] after = new double[count][count];
    for (int task = 0; task < count; task++) {
      before[task] = newestOnly ? Double.NaN : accuracy(tasks.get(task).test());
    }
    List<Layers> layers = new ArrayList<>();
    for (int task = 0; task < count; task++) {
      for (int epoch = 0; epoch < options.epochs(); epoch++) {
        learn(task, epoch);
      }
      for (int other = 0; other < count; other++) {
        boolean judged = !newestOnly || other == task;
        after[task][other] = judged ? accuracy(tasks.get(other).test()) : Double.NaN;
      }
      layers.add(layers(tasks.get(task).test()));
      progress.accept(
          "%s, seed %d, task %d of %d: %.1f %%"
              .formatted(method, seed, task + 1, count, 100 * after[task][task]));
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    AccuracyMatrix accuracies = new AccuracyMatrix(before, after);
    return new Result(method.text(), seed, accuracies, layers, learner.rejected(), seconds);
  }

  private void learn(int task, int epoch) {
    ImageSet images = tasks.get(task).train();
    int[] order = IntStream.range(0, images.size()).toArray();
    SeededRandom.of(seed, "order".hashCode(), task, epoch).shuffle(order);
    for (int first = 0; first + options.batchSize() <= order.length; first += options.batchSize()) {
      for (int row = 0; row < options.batchSize(); row++) {
        write(images, order[first + row], task, batch, row);
      }
      int size = options.batchSize();
      if (buffer != null) {
        size += buffer.draw(options.replay(), batch, size);
      }
      batch.resize(size);
      learner.learn(batch);
      for (int row = 0; row < options.batchSize() && buffer != null && epoch == 0; row++) {
        buffer.offer(batch.row(row), batch.label(row), task);
      }
    }
  }

  private void write(ImageSet images, int index, int task, LabelledBatch target, int row) {
    images.read(index, chw);
    FloatBuffer values = target.row(row);
    preprocessing.write(chw, images.shape(), values, 0);
    target.label(row, images.label(index), task);
  }

  private double accuracy(ImageSet images) {
    int hits = 0;
    for (int first = 0; first < images.size(); first += stepSize) {
      int size = Math.min(stepSize, images.size() - first);
      Tensor samples = samples(images, first, size);
      int[] labels = new int[size];
      for (int row = 0; row < size; row++) {
        labels[row] = images.label(first + row);
      }
      hits += Accuracy.hits(learner.answer(samples), labels);
    }
    return hits / (double) images.size();
  }

  private Tensor samples(ImageSet images, int first, int size) {
    for (int row = 0; row < size; row++) {
      write(images, first + row, 0, testBatch, row);
    }
    testBatch.resize(size);
    return testBatch.inputs();
  }

  private Layers layers(ImageSet images) {
    Tensor samples = samples(images, 0, Math.min(PROBED, images.size()));
    double dormant =
        probe.dormant(learner.state(), samples).values().stream()
            .mapToDouble(Double::doubleValue)
            .average()
            .orElse(0);
    return new Layers(graph.weightNorms(learner.state()), dormant);
  }

  @Override
  public void close() {
    learner.close();
    probe.close();
    batch.close();
    testBatch.close();
    if (buffer != null) {
      buffer.close();
    }
  }
}
