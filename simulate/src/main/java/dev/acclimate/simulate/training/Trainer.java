package dev.acclimate.simulate.training;

import dev.acclimate.models.ElementType;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.ModelSession;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.Tensor;
import dev.acclimate.models.gradients.BatchStatistics;
import dev.acclimate.models.gradients.TrainingGraph;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import dev.acclimate.simulate.training.BuiltinModelTraining.Settings;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Runs a training graph over batches of images and applies what comes out. One thread, so that sums
 * are taken in one order and a seed names one result. Not thread-safe.
 */
final class Trainer implements AutoCloseable {
  /** Weight of the newest batch in running statistics. */
  private static final float STATISTICS_MOMENTUM = 0.1f;

  /** Batches that the final statistics are averaged over. */
  private static final int FINAL_BATCHES = 100;

  /**
   * What an epoch came to.
   *
   * @param loss mean over the steps
   * @param accuracy fraction of the images
   */
  record Outcome(double loss, double accuracy) {}

  /** What is done to a sample before the network sees it, in place, each epoch anew. */
  @FunctionalInterface
  interface Change {
    Change NONE = (chw, random) -> {};

    void apply(float[] chw, SeededRandom random);
  }

  private final Settings settings;
  private final ImageSet images;
  private final Preprocessing preprocessing;
  private final TrainingGraph graph;
  private final ModelSession session;
  private final Map<String, Tensor> parameters;
  private final NesterovSgd optimiser;
  private final Change augmentation;
  private final Map<String, Tensor> feeds = new HashMap<>();
  private final Tensor input;
  private final Tensor labels;
  private final int[] batchLabels;
  private final float[] chw;
  private int steps;

  Trainer(
      OnnxModel model,
      ImageSet images,
      Preprocessing preprocessing,
      Change augmentation,
      Settings settings) {
    this.settings = settings;
    this.images = images;
    this.preprocessing = preprocessing;
    List<String> trainable = SmallResNet.trainable(model);
    this.graph = TrainingGraph.of(model, trainable, settings.labelSmoothing());
    this.session = ModelSession.open(graph.model(), new SessionSettings(ExecutionProvider.CPU, 1));
    this.parameters = SmallResNet.initializers(model);
    Map<String, Tensor> moved = new LinkedHashMap<>();
    for (String name : trainable) {
      moved.put(name, parameter(name));
    }
    this.optimiser = new NesterovSgd(moved, settings.momentum(), settings.weightDecay());
    this.augmentation = augmentation;
    this.input = Accuracy.input(model, settings.batchSize());
    this.labels = Tensor.allocate(ElementType.INT64, settings.batchSize());
    this.batchLabels = new int[settings.batchSize()];
    this.chw = new float[images.shape().size()];
    feeds.putAll(moved);
    feeds.put(model.inputs().get(0).name(), input);
    feeds.put(TrainingGraph.LABELS, labels);
  }

  private Tensor parameter(String name) {
    return Objects.requireNonNull(parameters.get(name), name);
  }

  /** Parameters and running statistics by name, as they stand. */
  Map<String, Tensor> parameters() {
    return parameters;
  }

  /** Trains on all images once, but for those that do not fill a batch. */
  Outcome epoch(int number) {
    int[] order = order(number);
    int batches = order.length / settings.batchSize();
    double loss = 0;
    int hits = 0;
    for (int batch = 0; batch < batches; batch++) {
      fill(order, batch, number);
      Map<String, Tensor> results = session.run(feeds);
      float stepLoss = result(results, TrainingGraph.LOSS).floats().get(0);
      if (!Float.isFinite(stepLoss)) {
        throw new IllegalStateException(
            "the loss became %s in epoch %d: lower the learning rate".formatted(stepLoss, number));
      }
      loss += stepLoss;
      hits += Accuracy.hits(result(results, SmallResNet.OUTPUT), batchLabels);
      Map<String, Tensor> gradients = new HashMap<>();
      graph.gradients().forEach((name, output) -> gradients.put(name, result(results, output)));
      optimiser.step(gradients, learningRate(batches));
      for (BatchStatistics site : graph.statistics()) {
        mix(parameter(site.runningMean()), result(results, site.mean()), STATISTICS_MOMENTUM);
        Tensor variance = result(results, site.unbiasedVariance());
        mix(parameter(site.runningVariance()), variance, STATISTICS_MOMENTUM);
      }
      steps++;
    }
    return new Outcome(loss / batches, hits / ((double) batches * settings.batchSize()));
  }

  /**
   * Replaces the running statistics by averages over images as they are, without augmentation: what
   * the parameters, now at rest, make of the training data.
   */
  void measureStatistics() {
    int[] order = order(0);
    int batches = Math.min(FINAL_BATCHES, order.length / settings.batchSize());
    for (int batch = 0; batch < batches; batch++) {
      fill(order, batch, 0);
      Map<String, Tensor> results = session.run(feeds);
      float share = 1f / (batch + 1);
      for (BatchStatistics site : graph.statistics()) {
        mix(parameter(site.runningMean()), result(results, site.mean()), share);
        mix(parameter(site.runningVariance()), result(results, site.unbiasedVariance()), share);
      }
    }
  }

  private int[] order(int epoch) {
    int[] order = new int[images.size()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    SeededRandom.of(settings.seed(), "order".hashCode(), epoch).shuffle(order);
    return order;
  }

  /** Loads a batch; epoch 0 stands for no augmentation. */
  private void fill(int[] order, int batch, int epoch) {
    FloatBuffer values = input.floats();
    LongBuffer classes = labels.longs();
    for (int i = 0; i < settings.batchSize(); i++) {
      int image = order[batch * settings.batchSize() + i];
      images.read(image, chw);
      if (epoch > 0) {
        augmentation.apply(
            chw, SeededRandom.of(settings.seed(), "augmentation".hashCode(), epoch, image));
      }
      preprocessing.write(chw, images.shape(), values, i * chw.length);
      batchLabels[i] = images.label(image);
      classes.put(i, batchLabels[i]);
    }
  }

  /** Up to the highest during the first epoch, then down along a cosine. */
  private double learningRate(int stepsPerEpoch) {
    double done = steps / ((double) stepsPerEpoch * settings.epochs());
    double warm = Math.min(1, (steps + 1) / (double) stepsPerEpoch);
    return settings.learningRate() * warm * (1 + Math.cos(Math.PI * done)) / 2;
  }

  private static void mix(Tensor running, Tensor newest, float share) {
    FloatBuffer kept = running.floats();
    FloatBuffer added = newest.floats();
    for (int i = 0; i < kept.limit(); i++) {
      kept.put(i, kept.get(i) + share * (added.get(i) - kept.get(i)));
    }
  }

  private static Tensor result(Map<String, Tensor> results, String name) {
    return Objects.requireNonNull(results.get(name), name);
  }

  @Override
  public void close() {
    session.close();
    feeds.values().forEach(Tensor::close);
  }
}
