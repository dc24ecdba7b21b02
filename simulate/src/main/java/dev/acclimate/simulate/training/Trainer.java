package dev.acclimate.simulate.training;

import dev.acclimate.adapters.learning.LabelledBatch;
import dev.acclimate.adapters.learning.Learner;
import dev.acclimate.adapters.learning.LearningGraph;
import dev.acclimate.adapters.learning.LearningMethod;
import dev.acclimate.adapters.learning.LearningRate;
import dev.acclimate.adapters.learning.LearningSettings;
import dev.acclimate.models.Dimension;
import dev.acclimate.models.ExecutionProvider;
import dev.acclimate.models.OnnxModel;
import dev.acclimate.models.SessionSettings;
import dev.acclimate.models.gradients.ParameterSet;
import dev.acclimate.models.gradients.Sgd;
import dev.acclimate.simulate.data.ImageSet;
import dev.acclimate.simulate.data.Preprocessing;
import dev.acclimate.simulate.random.SeededRandom;
import dev.acclimate.simulate.training.BuiltinModelTraining.Settings;
import java.util.stream.IntStream;

/**
 * Shows a {@link Learner} all images again and again, each time in another order and changed a
 * little. One thread, so that sums are taken in one order and a seed names one result. Not
 * thread-safe.
 */
final class Trainer implements AutoCloseable {
  private static final SessionSettings ONE_THREAD = new SessionSettings(ExecutionProvider.CPU, 1);

  /** Batches that the final statistics come from. */
  private static final int FINAL_BATCHES = 100;

  /** What is done to a sample before the network sees it, in place, each epoch anew. */
  @FunctionalInterface
  interface Change {
    Change NONE = (chw, random) -> {};

    void apply(float[] chw, SeededRandom random);
  }

  private final Settings settings;
  private final ImageSet images;
  private final Preprocessing preprocessing;
  private final Change augmentation;
  private final LearningGraph graph;
  private final Learner learner;
  private final LabelledBatch batch;
  private final float[] chw;

  Trainer(
      OnnxModel model,
      ImageSet images,
      Preprocessing preprocessing,
      Change augmentation,
      Settings settings) {
    this.settings = settings;
    this.images = images;
    this.preprocessing = preprocessing;
    this.augmentation = augmentation;
    this.graph = LearningGraph.of(model, learning());
    this.learner =
        Learner.open(graph, graph.start(), ONE_THREAD.forBatchesOf(settings.batchSize()));
    this.batch =
        new LabelledBatch(
            settings.batchSize(),
            model.inputs().get(0).dimensions().stream()
                .skip(1)
                .mapToLong(Dimension::size)
                .toArray());
    batch.resize(settings.batchSize());
    this.chw = new float[images.shape().size()];
  }

  /** The rate rises during the first epoch, then falls along a cosine, and has ended at 0. */
  private LearningSettings learning() {
    boolean nesterov = settings.momentum() > 0;
    return new LearningSettings(
        LearningMethod.parse("bn"),
        new Sgd(settings.momentum(), nesterov, settings.weightDecay()),
        new LearningRate(
            settings.learningRate(),
            LearningRate.Schedule.COSINE,
            batches(),
            (long) batches() * settings.epochs()),
        ParameterSet.all(),
        settings.labelSmoothing());
  }

  private int batches() {
    return images.size() / settings.batchSize();
  }

  /**
   * Trains on all images once, but for those that do not fill a batch.
   *
   * @param number from 1
   * @return the mean loss
   */
  double epoch(int number) {
    return learn(number, batches()) / batches();
  }

  /**
   * Lets the running statistics follow images as they are, without augmentation, to what the
   * parameters make of the training data. After the last epoch, when the rate is 0 and parameters
   * are at rest.
   */
  void settleStatistics() {
    learn(0, Math.min(FINAL_BATCHES, batches()));
  }

  private double learn(int epoch, int batches) {
    int[] order = IntStream.range(0, images.size()).toArray();
    SeededRandom.of(settings.seed(), "order".hashCode(), epoch).shuffle(order);
    double loss = 0;
    for (int number = 0; number < batches; number++) {
      fill(order, number, epoch);
      Learner.Outcome outcome = learner.learn(batch);
      if (!outcome.accepted()) {
        throw new IllegalStateException(
            "a step of epoch %d was not finite: lower the learning rate".formatted(epoch));
      }
      loss += outcome.loss();
    }
    return loss;
  }

  /** Loads a batch; epoch 0 stands for no augmentation. */
  private void fill(int[] order, int number, int epoch) {
    for (int row = 0; row < settings.batchSize(); row++) {
      int image = order[number * settings.batchSize() + row];
      images.read(image, chw);
      if (epoch > 0) {
        augmentation.apply(
            chw, SeededRandom.of(settings.seed(), "augmentation".hashCode(), epoch, image));
      }
      preprocessing.write(chw, images.shape(), batch.row(row), 0);
      batch.label(row, images.label(image), 0);
    }
  }

  /** The model with what it has learnt. */
  OnnxModel trained() {
    return graph.baked(learner.state());
  }

  @Override
  public void close() {
    learner.close();
    batch.close();
  }
}
